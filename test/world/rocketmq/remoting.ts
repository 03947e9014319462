import type { Socket } from "node:net";

/**
 * A RocketMQ client of the tests' own, to ask servers one thing at a time and to see each broker as it is: no retry, no
 * route, no second address. Frame: length i32 | 0 u8 (JSON) | header length u24 | header | body
 */
export interface Remoting extends AsyncDisposable {
  readonly open: boolean;
  /** @throws when no answer comes in time, or the connection ends first */
  ask(request: Request, timeoutMs: number): Promise<Answer>;
}

export interface Request {
  readonly code: number;
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: Buffer;
}

export interface Answer {
  /** 0 is success. */
  readonly code: number;
  readonly remark: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** @param socket connected; it is this client's from now on */
export function createRemoting(socket: Socket): Remoting {
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  let received = Buffer.alloc(0);
  let asked = 0;
  let open = true;

  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const end = 4 + received.readInt32BE(0);
      const { opaque, answer } = decode(received.subarray(4, end));
      received = received.subarray(end);
      waiting.get(opaque)?.resolve(answer);
    }
  });
  const close = (): void => {
    open = false;
    for (const { reject } of waiting.values()) reject(new Error("the connection has ended"));
  };
  socket
    .on("error", close)
    .on("end", () => socket.destroy())
    .on("close", close);

  return {
    get open() {
      return open;
    },
    async ask(request, timeoutMs) {
      if (!open) throw new Error(`cannot ask ${request.code}: the connection has ended`);
      asked += 1;
      const opaque = asked;
      const answer = Promise.withResolvers<Answer>();
      waiting.set(opaque, answer);
      const late = setTimeout(
        () => answer.reject(new Error(`no answer to ${request.code} in ${timeoutMs} ms`)),
        timeoutMs,
      );
      try {
        socket.write(encode(request, opaque));
        return await answer.promise;
      } finally {
        clearTimeout(late);
        waiting.delete(opaque);
      }
    },
    [Symbol.asyncDispose]: async () => void socket.destroy(),
  };
}

/** RocketMQ 5.3.3; from 4.9.4 on answers are strict JSON. */
const clientVersion = 479;

function encode({ code, fields = {}, body = Buffer.alloc(0) }: Request, opaque: number): Buffer {
  const extFields = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]));
  const header = Buffer.from(
    JSON.stringify({ code, language: "OTHER", version: clientVersion, opaque, flag: 0, extFields }),
  );
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + header.length + body.length, 0);
  lengths.writeInt32BE(header.length, 4);
  return Buffer.concat([lengths, header, body]);
}

function decode(frame: Buffer): { opaque: number; answer: Answer } {
  const headerEnd = 4 + frame.readUIntBE(1, 3);
  const header = JSON.parse(frame.toString("utf8", 4, headerEnd)) as {
    code: number;
    opaque: number;
    remark?: string;
    extFields?: Record<string, string>;
  };
  const { code, opaque, remark = "", extFields = {} } = header;
  return { opaque, answer: { code, remark, fields: extFields, body: Buffer.from(frame.subarray(headerEnd)) } };
}

/** Bodies are fastjson's: numbers stand as keys without quotes. */
export function parseBody(body: Buffer): unknown {
  return JSON.parse(body.toString().replace(/([{,])(\d+):/g, '$1"$2":'));
}
