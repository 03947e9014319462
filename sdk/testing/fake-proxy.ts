import { once } from "node:events";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import definition from "rocketmq-client-nodejs/proto/apache/rocketmq/v2/definition_pb.js";
import service from "rocketmq-client-nodejs/proto/apache/rocketmq/v2/service_pb.js";

/** A RocketMQ proxy with one topic of one queue: takes messages, gives them out, and is told which are acknowledged. */
export interface FakeProxy extends AsyncDisposable {
  /** "127.0.0.1:port" */
  readonly address: string;
  /** Bodies of what was sent. */
  readonly sent: readonly string[];
  /** Ids of what was acknowledged. */
  readonly acknowledged: readonly string[];
  /** Bodies for whoever receives next; their ids are the same. */
  readonly waiting: string[];
  /** Calls that came, by method. */
  readonly calls: ReadonlyMap<string, number>;
  /** Streams of telemetry that are open. */
  readonly telemetries: number;
  /** What sends are answered with. */
  sendCode: number;
  /** Hangs up on everybody and refuses connections from now on. */
  vanish(): Promise<void>;
}

interface Message {
  serializeBinary(): Uint8Array;
}

const emptyWaitMs = 20;
const bodyBytesMax = 1024;

export async function openFakeProxy(): Promise<FakeProxy> {
  const sent: string[] = [];
  const acknowledged: string[] = [];
  const waiting: string[] = [];
  const calls = new Map<string, number>();
  const sessions = new Set<ServerHttp2Session>();
  const telemetries = new Set<ServerHttp2Stream>();
  const server = createServer();
  let port = 0;

  const route = (): Message => {
    const endpoints = new definition.Endpoints().setScheme(definition.AddressScheme.IPV4);
    endpoints.addAddresses().setHost("127.0.0.1").setPort(port);
    const answer = new service.QueryRouteResponse().setStatus(statusOf(definition.Code.OK));
    answer
      .addMessageQueues()
      .setTopic(new definition.Resource().setName("orders"))
      .setPermission(definition.Permission.READ_WRITE)
      .setBroker(new definition.Broker().setName("bs1").setEndpoints(endpoints))
      .setAcceptMessageTypesList([definition.MessageType.NORMAL]);
    return answer;
  };

  function take(request: Uint8Array): Message {
    const answer = new service.SendMessageResponse().setStatus(statusOf(self.sendCode));
    for (const message of service.SendMessageRequest.deserializeBinary(request).getMessagesList()) {
      if (self.sendCode === definition.Code.OK) sent.push(Buffer.from(message.getBody_asU8()).toString());
      answer.addEntries().setStatus(statusOf(self.sendCode)).setMessageId(`${sent.length}`);
    }
    return answer;
  }

  function give(stream: ServerHttp2Stream): void {
    const body = waiting.shift();
    const code = body === undefined ? definition.Code.MESSAGE_NOT_FOUND : definition.Code.OK;
    stream.write(frameOf(new service.ReceiveMessageResponse().setStatus(statusOf(code))));
    if (body !== undefined) {
      const properties = new definition.SystemProperties()
        .setMessageId(body)
        .setReceiptHandle(body)
        .setKeysList([body]);
      properties.setBodyDigest(new definition.Digest());
      properties.setBodyEncoding(definition.Encoding.IDENTITY).setMessageType(definition.MessageType.NORMAL);
      const message = new definition.Message().setTopic(new definition.Resource().setName("orders"));
      message.setSystemProperties(properties).setBody(Buffer.from(body));
      stream.write(frameOf(new service.ReceiveMessageResponse().setMessage(message)));
    }
    stream.end();
  }

  function acknowledge(request: Uint8Array): Message {
    const answer = new service.AckMessageResponse().setStatus(statusOf(definition.Code.OK));
    for (const entry of service.AckMessageRequest.deserializeBinary(request).getEntriesList()) {
      acknowledged.push(entry.getMessageId());
      answer.addEntries().setMessageId(entry.getMessageId()).setStatus(statusOf(definition.Code.OK));
    }
    return answer;
  }

  function answerTo(method: string, request: Uint8Array): Message {
    switch (method) {
      case "QueryRoute":
        return route();
      case "SendMessage":
        return take(request);
      case "AckMessage":
        return acknowledge(request);
      case "Heartbeat":
        return new service.HeartbeatResponse().setStatus(statusOf(definition.Code.OK));
      default:
        return new service.NotifyClientTerminationResponse().setStatus(statusOf(definition.Code.OK));
    }
  }

  function serve(stream: ServerHttp2Stream, method: string): void {
    calls.set(method, (calls.get(method) ?? 0) + 1);
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    if (method === "Telemetry") {
      telemetries.add(stream);
      stream.on("close", () => telemetries.delete(stream));
      stream.on("data", (data: Buffer) => stream.write(frameOf(settingsFor(data.subarray(frameHeadBytes)))));
      stream.on("end", () => stream.end());
      return;
    }
    const parts: Buffer[] = [];
    stream.on("data", (data: Buffer) => parts.push(data));
    stream.on("end", () => {
      if (method === "ReceiveMessage") {
        setTimeout(give, waiting.length > 0 ? 0 : emptyWaitMs, stream);
        return;
      }
      stream.end(frameOf(answerTo(method, Buffer.concat(parts).subarray(frameHeadBytes))));
    });
  }

  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => serve(stream, `${headers[":path"]}`.split("/").at(-1) ?? ""));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;

  const self: FakeProxy = {
    address: `127.0.0.1:${port}`,
    sent,
    acknowledged,
    waiting,
    calls,
    get telemetries() {
      return telemetries.size;
    },
    sendCode: definition.Code.OK,
    async vanish() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
    [Symbol.asyncDispose]: () => self.vanish(),
  };
  return self;
}

const frameHeadBytes = 5;

/** A proxy gives a client its own settings back, and says how long to wait after a failure and how large a message may be. */
function settingsFor(command: Uint8Array): Message {
  const backoff = new definition.ExponentialBackoff().setMultiplier(2);
  const answer = service.TelemetryCommand.deserializeBinary(command).setStatus(statusOf(definition.Code.OK));
  answer.getSettings()?.setBackoffPolicy(new definition.RetryPolicy().setMaxAttempts(3).setExponentialBackoff(backoff));
  answer.getSettings()?.getPublishing()?.setMaxBodySize(bodyBytesMax);
  return answer;
}

/** gRPC's: not compressed, and how long it is. */
function frameOf(message: Message): Buffer {
  const body = message.serializeBinary();
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function statusOf(code: number): InstanceType<typeof definition.Status> {
  return new definition.Status().setCode(code as never);
}
