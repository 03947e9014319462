import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { eventually } from "../../test/integration/harness/eventually.ts";
import { freePorts } from "../../test/integration/harness/ports.ts";
import { startProcess } from "../../test/integration/harness/process.ts";
import { inProject } from "../../test/integration/harness/project.ts";
import { dataOf, nodeOf, pathOf, pathsOf, root } from "../tree.ts";
import { generationIn, type Store } from "./store.ts";

export const etcdctl = inProject(".cache/etcd/usr/bin/etcdctl");

/** At most what one transaction may hold, and as many transactions in flight as the bench has multis. */
const putsPerTxn = 100;
const txnsInFlight = 4;
const readyMsMax = 20_000;

interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly version: string;
}

/** One member on loopback, spoken to through its JSON gateway. */
export async function startEtcdStore(signal: AbortSignal): Promise<Store> {
  const dataDir = await mkdtemp(join(tmpdir(), "crossidc-etcd-"));
  const [clientPort, peerPort] = await freePorts(2);
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`];
  const server = startProcess(
    inProject(".cache/etcd/usr/bin/etcd"),
    [
      ["--data-dir", dataDir],
      ["--listen-client-urls", clientUrl],
      ["--advertise-client-urls", clientUrl],
      ["--listen-peer-urls", peerUrl],
      ["--initial-advertise-peer-urls", peerUrl],
      ["--initial-cluster", `default=${peerUrl}`],
      ["--quota-backend-bytes", String(8 * 1024 ** 3)],
      ["--log-level", "error"],
    ].flat(),
    { name: `etcd-${clientPort}`, env: { ETCD_UNSUPPORTED_ARCH: process.arch === "arm64" ? "arm64" : undefined } },
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const post = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await ask(agent, `${clientUrl}/v3/${path}`, body, signal);
    const said = await text(answer);
    if (answer.statusCode !== 200) throw new Error(`etcd answered ${path} with ${answer.statusCode}: ${said}`);
    return JSON.parse(said);
  };
  const put = async (entries: readonly { path: string; data: Uint8Array }[]): Promise<void> => {
    const success = entries.map(({ path, data }) => ({ requestPut: { key: encode(path), value: encode(data) } }));
    await post("kv/txn", { success });
  };
  const position = async (): Promise<bigint> => {
    const { header } = await post("kv/range", { key: encode(root) });
    return BigInt((header as { revision: string }).revision);
  };
  await eventually(position, { withinMs: readyMsMax, everyMs: 50, signal });

  return {
    address: `127.0.0.1:${clientPort}`,
    async fill(nodes) {
      const entries = Array.from(pathsOf(nodes), ({ path, node }) => ({
        path,
        data: node === undefined ? Buffer.alloc(0) : dataOf(node, 0),
      }));
      const inFlight: Promise<void>[] = [];
      for (let from = 0; from < entries.length; from += putsPerTxn) {
        if (inFlight.length === txnsInFlight) await inFlight.shift();
        inFlight.push(put(entries.slice(from, from + putsPerTxn)));
      }
      await Promise.all(inFlight);
    },
    write: (nodes, generation) => put(nodes.map((node) => ({ path: pathOf(node), data: dataOf(node, generation) }))),
    position,
    writtenSince: async (before) => Number((await position()) - before),
    async generationOf(node) {
      const { kvs } = (await post("kv/range", { key: encode(pathOf(node)) })) as { kvs?: KeyValue[] };
      return kvs?.[0] === undefined ? undefined : generationIn(Buffer.from(kvs[0].value ?? "", "base64"));
    },
    async watch(onChange) {
      const range = { key: encode(`${root}/`), range_end: encode(`${root}0`) };
      const answer = await ask(new Agent(), `${clientUrl}/v3/watch`, { create_request: range }, signal);
      const lines = createInterface({ input: answer });
      // The server's end is the watch's.
      lines.on("error", () => {});
      lines.on("line", (line) => {
        const { result } = JSON.parse(line) as { result?: { events?: { kv?: KeyValue }[] } };
        for (const { kv } of result?.events ?? []) {
          const node = kv === undefined ? undefined : nodeOf(Buffer.from(kv.key, "base64").toString());
          if (node !== undefined && kv?.version !== "1") onChange(node);
        }
      });
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await server.kill();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function ask(agent: Agent, url: string, body: unknown, signal: AbortSignal) {
  return new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    request(url, { method: "POST", agent, signal }, resolve).on("error", reject).end(JSON.stringify(body));
  });
}

function encode(value: string | Uint8Array): string {
  return Buffer.from(value).toString("base64");
}
