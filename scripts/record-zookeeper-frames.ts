/**
 * Records what a real ZooKeeper server says into test/fixtures/frames/zookeeper-<version>.jsonl: every record our client
 * knows, refusals too, and the requests of a client that is not ours.
 *
 *     node scripts/record-zookeeper-frames.ts 3.8|3.9
 */
import { mkdir, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { createZooKeeper } from "#lib/zookeeper/client.ts";
import { createFrameSplitter } from "#lib/zookeeper/frame.ts";
import type { ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import { type Application, connectApplication } from "../test/integration/harness/application.ts";
import { inProject } from "../test/integration/harness/project.ts";
import { startZooKeeper } from "../test/integration/harness/zookeeper.ts";

/** `opcode` of a reply is that of its request; connect, ping and event have none of their own. */
interface RecordedFrame {
  readonly client: "crossidc" | "node-zookeeper-client";
  readonly from: "client" | "server";
  readonly opcode: number | "connect" | "ping" | "event";
  /** The frame without its length, in hex. */
  readonly bytes: string;
}

const frameBytesMax = 1_048_576;
const recordMsMax = 20_000;
const sessionTimeoutMs = 1_000;
const anyone = [{ perms: 31, scheme: "world", id: "anyone" }];

const version = process.argv[2];
if (version !== "3.8" && version !== "3.9")
  throw new Error("Which server? node scripts/record-zookeeper-frames.ts 3.8|3.9");
await record(version);

async function record(version: "3.8" | "3.9"): Promise<void> {
  await using server = await startZooKeeper({ version });
  const frames = [
    ...(await recorded("crossidc", server.port, ours)),
    // Its connect request ends before readOnly, as those of clients older than 3.4 did, and so does the answer.
    ...(await recorded("node-zookeeper-client", server.port, theirs)).filter(({ opcode }) => opcode !== "connect"),
  ];
  const srvr = await server.fourLetter("srvr");
  const head = {
    server: /Zookeeper version: ([\d.]+)/.exec(srvr)?.[1],
    command: `node scripts/record-zookeeper-frames.ts ${version}`,
  };
  const file = inProject(`test/fixtures/frames/zookeeper-${version}.jsonl`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, [head, ...frames].map((line) => `${JSON.stringify(line)}\n`).join(""));
  console.log(`${frames.length} frames of ${head.server} in ${file}`);
}

async function ours(address: string, dropConnections: () => void): Promise<void> {
  const signal = AbortSignal.timeout(recordMsMax);
  const within = { signal };
  const dropped = Promise.withResolvers<void>();
  await using zk = createZooKeeper({
    servers: [address],
    sessionTimeoutMs,
    connectTimeoutMs: recordMsMax,
    auth: [{ scheme: "digest", credential: Buffer.from("user:password") }],
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    signal,
    onState: ({ kind }) => {
      if (kind === "connecting") dropped.resolve();
    },
    onWatch: () => {},
  });
  await zk.connected(within);
  await zk.addWatch("/", { recursive: true, signal });
  await zk.addWatch("/", { recursive: false, signal });
  await zk.addWatch("/a", { recursive: true, signal });
  await reads(zk, within);
  await writes(zk, within);
  await systemClock.sleep(sessionTimeoutMs / 2, within);
  dropConnections();
  await dropped.promise;
  await zk.connected(within);
}

async function writes(zk: ZooKeeper, within: { signal: AbortSignal }): Promise<void> {
  await zk.create("/a", Buffer.from([0, 255, 10]), { acl: anyone, ...within });
  await zk.create("/a/ünï-名前", Buffer.alloc(0), { acl: anyone, ...within });
  await zk.create("/a/n-", null, { acl: anyone, ephemeral: true, sequential: true, ...within });
  await zk.setData("/a", Buffer.from("second"), 0, within);
  await refused(zk.setData("/a", null, 0, within));
  await reads(zk, within);
  await zk.setAcl("/a", [{ perms: 31, scheme: "auth", id: "" }, ...anyone], 0, within);
  await zk.getAcl("/a", within);
  const ops = [
    { kind: "create", path: "/a/b", data: null, acl: anyone },
    { kind: "set", path: "/a/b", data: Buffer.from("x"), version: 0 },
    { kind: "check", path: "/a", version: 1 },
    { kind: "delete", path: "/a/b", version: 1 },
  ] as const;
  await zk.multi(ops, within);
  await zk.multi(
    [...ops, { kind: "check", path: "/a", version: 9 }, { kind: "delete", path: "/a", version: -1 }],
    within,
  );
  await zk.delete("/a/ünï-名前", 0, within);
}

async function reads(zk: ZooKeeper, within: { signal: AbortSignal }): Promise<void> {
  await refused(zk.getData("/a", within));
  await zk.exists("/a", within);
  await zk.getChildren("/", within);
  await zk.multiRead(
    [
      { kind: "data", path: "/a" },
      { kind: "children", path: "/a" },
    ],
    within,
  );
  await zk.sync("/", within);
  await zk.whoAmI(within);
}

async function theirs(address: string): Promise<void> {
  await using application: Application = await connectApplication(address, { auth: "user:password" });
  await application.create("/b", "text");
  await application.create("/b/null", null);
  await application.set("/b", "");
  await refused(application.set("/b", "", 0));
  await application.get("/b");
  await application.stat("/b");
  await application.stat("/none");
  await application.children("/b");
  await application.setAcl("/b", anyone);
  await application.acl("/b");
  await application.multi([
    { kind: "create", path: "/b/c", data: "x" },
    { kind: "set", path: "/b/c", data: null },
    { kind: "remove", path: "/b/c" },
  ]);
  await application.remove("/b/null");
}

/** For requests that are there to be refused, or may be. */
async function refused(request: Promise<unknown>): Promise<void> {
  await request.catch(() => {});
}

/** Runs a client through a line that notes all frames, both ways in the order they passed. */
async function recorded(
  client: RecordedFrame["client"],
  serverPort: number,
  run: (address: string, dropConnections: () => void) => Promise<void>,
): Promise<RecordedFrame[]> {
  const frames: RecordedFrame[] = [];
  const sockets: Socket[] = [];
  const line = createServer((from) => {
    const to = connect(serverPort, "127.0.0.1");
    sockets.push(from, to);
    const opcodes = new Map<number, number>();
    watch(from, to, (frame, isFirst) => {
      const opcode = isFirst ? "connect" : requestOpcode(frame, opcodes);
      frames.push({ client, from: "client", opcode, bytes: frame.toString("hex") });
    });
    watch(to, from, (frame, isFirst) => {
      const opcode = isFirst ? "connect" : replyOpcode(frame, opcodes);
      frames.push({ client, from: "server", opcode, bytes: frame.toString("hex") });
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  line.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = line.address();
  if (address === null || typeof address === "string") throw new Error("the line has no port");
  await run(`127.0.0.1:${address.port}`, () => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  line.close();
  return frames;
}

function watch(from: Socket, to: Socket, note: (frame: Buffer, isFirst: boolean) => void): void {
  const splitter = createFrameSplitter({ frameBytesMax });
  let isFirst = true;
  from.on("data", (chunk: Buffer) => {
    splitter.push(chunk);
    for (let split = splitter.next(); split.kind === "frame"; split = splitter.next()) {
      note(split.frame, isFirst);
      isFirst = false;
    }
    to.write(chunk);
  });
  from.on("close", () => to.destroy());
  from.on("error", () => to.destroy());
}

function requestOpcode(frame: Buffer, opcodes: Map<number, number>): RecordedFrame["opcode"] {
  const [xid, opcode] = [frame.readInt32BE(0), frame.readInt32BE(4)];
  if (xid === -2) return "ping";
  opcodes.set(xid, opcode);
  return opcode;
}

function replyOpcode(frame: Buffer, opcodes: Map<number, number>): RecordedFrame["opcode"] {
  const xid = frame.readInt32BE(0);
  if (xid === -2) return "ping";
  if (xid === -1) return "event";
  const opcode = opcodes.get(xid);
  if (opcode === undefined) throw new Error(`a reply with xid ${xid} answers nothing`);
  return opcode;
}
