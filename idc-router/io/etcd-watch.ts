import type { IKeyValue, IWatchResponse } from "etcd3/lib/rpc.js";
import type { Clock, Instant } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { type CallOptions, callTimeoutMs, type EtcdOptions, type Member, openMembers } from "#lib/etcd/members.ts";
import type { Logger } from "#lib/log.ts";
import type { Event, LedgerEntry } from "../core/events.ts";

/** The arbiters' ledger as a router follows it: it only reads, and needs no right to write. */

export interface EtcdWatchOptions {
  readonly etcd: EtcdOptions;
  /** Of all keys, with the environment: "/crossidc/prod/". */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly push: (event: Event) => void;
}

const codes = { unanswered: "RTR_LEDGER_UNANSWERED", refused: "RTR_LEDGER_REFUSED" } as const;
/** What the router reads; decisions and audits are not among it. */
const folders = ["cluster", "sets/", "idcs/", "questions/", "answers/"] as const;
const pageKeysMax = 500;
const lookEveryMs = 1_000;
/** The watch has not told what a member has had for so long: it is made anew, on another member. */
const watchStaleMs = 1_500;
const againMs = 500;

/**
 * A full reading, then every change; both again whenever the watch had to be made anew. Once a second etcd is asked for its
 * newest revision: the answer shows that the ledger is there, and what the watch has yet to tell. Until the signal is aborted.
 */
export async function followLedger(options: EtcdWatchOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, push } = options;
  using members = openMembers(options.etcd, { clock, codes });
  let told = false;
  while (!signal.aborted) {
    const member = members.current();
    try {
      await readAndWatch(options, members, member, signal, () => {
        told = false;
      });
    } catch (error) {
      if (signal.aborted) return;
      const detail = `${member.endpoint}: ${messageOf(error)}`;
      push({ kind: "ledgerSilent", detail });
      if (!told) log.warn({ endpoint: member.endpoint, error: messageOf(error) }, "ledger cannot be followed");
      told = true;
      members.passOver(member);
      await clock.sleep(againMs, { signal }).catch(() => {});
    }
  }
}

async function readAndWatch(
  { prefix, clock, push }: EtcdWatchOptions,
  members: ReturnType<typeof openMembers>,
  member: Member,
  signal: AbortSignal,
  onRead: () => void,
): Promise<void> {
  const attempt = new AbortController();
  const ending = AbortSignal.any([signal, attempt.signal]);
  const begin = (): CallOptions => ({ startedAt: clock.now(), signal: ending });
  try {
    const reading = await readAll(members, member, prefix, begin);
    push({ kind: "ledger", ...reading });
    onRead();
    const stream = await members.callAt(member, "watch", (etcd) => etcd.watchClient.watch(), begin());
    stream.on("error", () => {});
    let seen = reading.revision;
    let why: string | undefined;
    stream.write({
      create_request: {
        key: Buffer.from(prefix),
        range_end: endOf(prefix),
        start_revision: String(reading.revision + 1n),
        progress_notify: true,
      },
    });
    ending.addEventListener("abort", () => stream.cancel(), { once: true });
    const guard = async (): Promise<void> => {
      for (let owedSince: Instant | undefined; ; ) {
        await clock.sleep(lookEveryMs, { signal: ending });
        const there = await newestBelow(members, member, prefix, begin()).catch((error: unknown) => {
          why = messageOf(error);
          return undefined;
        });
        if (there === undefined) break;
        if (there <= seen) {
          owedSince = undefined;
          push({ kind: "ledgerCurrent" });
          continue;
        }
        owedSince ??= clock.now();
        if (clock.now() - owedSince <= watchStaleMs) continue;
        why = `the watch owes revision ${there} since ${watchStaleMs} ms`;
        break;
      }
      stream.cancel();
    };
    void guard().catch(() => {});
    try {
      // A Duplex of Node at run time, whatever the client's types say.
      for await (const response of stream as unknown as AsyncIterable<IWatchResponse>) {
        if (response.canceled) throw new Error(`the watch was ended: ${response.cancel_reason || "no reason given"}`);
        for (const { type, kv } of response.events) {
          const entry = entryOf(kv, prefix);
          seen = entry.revision;
          if (!isOurs(entry.key)) continue;
          const { key, text, revision } = entry;
          push({ kind: "ledgerChanged", key, text: type === "Delete" ? null : text, revision });
        }
      }
      throw new Error("the watch has ended");
    } catch (error) {
      throw new Error(why ?? messageOf(error), { cause: error });
    } finally {
      stream.cancel();
    }
  } finally {
    attempt.abort();
  }
}

/** All folders at the revision of the first answer, so that they fit together. */
async function readAll(
  members: ReturnType<typeof openMembers>,
  member: Member,
  prefix: string,
  begin: () => CallOptions,
): Promise<{ clusterId: string; revision: bigint; entries: LedgerEntry[] }> {
  const entries: LedgerEntry[] = [];
  let header: { cluster_id: string; revision: string } | undefined;
  for (const folder of folders) {
    const end = folder.endsWith("/") ? endOf(prefix + folder) : Buffer.from(`${prefix}${folder}\0`);
    for (let key: Buffer | undefined = Buffer.from(prefix + folder); key !== undefined; ) {
      const from: Buffer = key;
      const page = await members.callAt(
        member,
        "full reading",
        (etcd, call) =>
          etcd.kv.range(
            {
              key: from,
              range_end: end,
              limit: pageKeysMax,
              // What one member knows will do: a router goes on with what it has when there is no quorum (I10).
              serializable: true,
              ...(header === undefined ? {} : { revision: header.revision }),
            },
            call,
          ),
        begin(),
      );
      header ??= page.header;
      entries.push(...page.kvs.map((each) => entryOf(each, prefix)));
      const last = page.kvs.at(-1);
      key = page.more && last !== undefined ? Buffer.concat([last.key, Buffer.of(0)]) : undefined;
    }
  }
  return { clusterId: header?.cluster_id ?? "", revision: BigInt(header?.revision ?? 0), entries };
}

/**
 * The newest change that etcd knows among beats, proofs, sets and questions, which are few keys and are written all the time where
 * arbiters run: of all members if they have a quorum, else of this one.
 */
async function newestBelow(
  members: ReturnType<typeof openMembers>,
  member: Member,
  prefix: string,
  call: CallOptions,
): Promise<bigint> {
  const ask = (serializable: boolean) => (etcd: Member["etcd"], options: { deadline: number }) =>
    etcd.kv.range(
      {
        key: Buffer.from(`${prefix}proofs/`),
        range_end: endOf(`${prefix}sites/`),
        limit: 1,
        keys_only: true,
        serializable,
        sort_target: "Mod",
        sort_order: "Descend",
      },
      options,
    );
  const newest = ({ kvs }: { kvs: readonly IKeyValue[] }): bigint => BigInt(kvs[0]?.mod_revision ?? 0);
  const own = newest(await members.callAt(member, "look", ask(true), call));
  const [all] = await Promise.allSettled([members.call("look", ask(false), call)]);
  return all.status === "fulfilled" && newest(all.value) > own ? newest(all.value) : own;
}

function isOurs(key: string): boolean {
  return folders.some((folder) => (folder.endsWith("/") ? key.startsWith(folder) : key === folder));
}

function entryOf(each: IKeyValue, prefix: string): LedgerEntry {
  return {
    key: each.key.toString().slice(prefix.length),
    text: each.value.toString(),
    revision: BigInt(each.mod_revision),
  };
}

/** The first key that does not start with `prefix`, which ends with "/". */
function endOf(prefix: string): Buffer {
  return Buffer.from(`${prefix.slice(0, -1)}0`);
}

/** How long it may take until a watch that has fallen silent is made anew. */
export const followAnewMsMax = lookEveryMs + watchStaleMs + 2 * callTimeoutMs + againMs;
