import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { DecodeError, Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import { hostOf } from "../cidr.ts";
import { messageOf, OperatorError } from "../errors.ts";
import {
  decodeMetadataResponse,
  encodeMetadataRequest,
  type KafkaMetadata,
  metadataApi,
  writeText,
} from "./metadata.ts";

/** One Kafka broker, asked for metadata over one connection, which is opened when somebody asks. */
export interface KafkaPeer {
  readonly address: string;
  /** One at a time. @throws {OperatorError} KAFKA_UNANSWERED when there is no answer in time; then the next call connects anew */
  metadata(topics: readonly string[], options: { timeoutMs: number; signal: AbortSignal }): Promise<KafkaMetadata>;
  close(): void;
}

export interface KafkaPeerOptions {
  /** As the broker's logs and quotas name it. */
  readonly clientId: string;
  /** PEM. Without it the connection is plain. */
  readonly tls?: KafkaTls | undefined;
}

export interface KafkaTls {
  readonly ca: Buffer | string;
  /** For brokers that ask for one. */
  readonly cert?: Buffer | string;
  readonly key?: Buffer | string;
  /** Where the certificate carries another name than the address. */
  readonly serverName?: string;
}

const requestBytesMax = 1024 * 1024;
const answerBytesMax = 64 * 1024 * 1024;

export function createKafkaPeer(address: string, { clientId, tls }: KafkaPeerOptions): KafkaPeer {
  let socket: Socket | undefined;
  let correlation = 0;

  function open(): Socket {
    if (socket !== undefined && !socket.destroyed) return socket;
    socket = openSocket(address, tls);
    // Whoever asks hears of it.
    socket.on("error", () => {});
    return socket;
  }

  return {
    address,
    async metadata(topics, { timeoutMs, signal }) {
      const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const asked = open();
      correlation = (correlation + 1) & 0x7fffffff;
      try {
        asked.write(encodeRequest(correlation, clientId, topics));
        const reader = new Reader(await nextFrame(asked, until));
        const answered = reader.i32();
        if (answered !== correlation) throw new DecodeError(`The answer is to request ${answered}, not ${correlation}`);
        return decodeMetadataResponse(reader);
      } catch (cause) {
        asked.destroy();
        signal.throwIfAborted();
        const why = until.aborted ? `no answer in ${timeoutMs} ms` : messageOf(cause);
        throw new OperatorError("KAFKA_UNANSWERED", `Kafka broker ${address} gives no metadata: ${why}`, {
          cause,
          hint: "See whether it runs and can be reached from here, and whether its listener wants TLS (`tls` of the cluster) or SASL (`watch: false`)",
        });
      }
    },
    close: () => socket?.destroy(),
  };
}

function openSocket(address: string, tls: KafkaTls | undefined): Socket {
  const place = { host: hostOf(address), port: Number(address.slice(address.lastIndexOf(":") + 1)), noDelay: true };
  if (tls === undefined) return connect(place);
  const { serverName, ...pem } = tls;
  return connectTls({ ...place, ...pem, ...(serverName === undefined ? {} : { servername: serverName }) });
}

/** Size i32 | api_key i16 | api_version i16 | correlation_id i32 | client_id string | the request */
function encodeRequest(correlation: number, clientId: string, topics: readonly string[]): Buffer {
  const writer = new Writer({ bytesMax: requestBytesMax });
  writer.i32(0);
  writer.i16(metadataApi.key);
  writer.i16(metadataApi.version);
  writer.i32(correlation);
  writeText(writer, clientId);
  encodeMetadataRequest(writer, topics);
  writer.overwriteI32(0, writer.bytes.length - 4);
  return writer.bytes;
}

/** The bytes of the next frame, without its size. @throws when the connection ends, or the signal's reason */
function nextFrame(socket: Socket, signal: AbortSignal): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size: number | undefined;
  let have = 0;
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    have += chunk.length;
    if (size === undefined && have >= 4) {
      size = Buffer.concat(chunks).readInt32BE(0);
      if (size < 4 || size > answerBytesMax) reject(new DecodeError(`The answer's size is ${size} bytes`));
    }
    if (size === undefined || have < size + 4) return;
    if (have > size + 4) reject(new DecodeError(`${have - size - 4} bytes follow the answer`));
    else resolve(Buffer.concat(chunks).subarray(4));
  };
  const onEnd = (): void => reject(new Error("the connection ended"));
  const onAbort = (): void => reject(signal.reason);
  socket.on("data", onData).once("error", reject).once("close", onEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return promise.finally(() => {
    socket.off("data", onData).off("error", reject).off("close", onEnd);
    signal.removeEventListener("abort", onAbort);
  });
}
