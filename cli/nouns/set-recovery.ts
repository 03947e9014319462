import { exitCodes, messageOf, OperatorError } from "#lib/errors.ts";
import type { DoneReport, StatusReport } from "../../arbiter/io/api.ts";
import type { SetReport, SetSummary, UnrecordedReport } from "../../arbiter/io/api-sets.ts";
import { type Call, noArgs, onlyArg, UsageError, type Verb } from "../call.ts";
import type { Client } from "../client.ts";
import { pathOf } from "./set.ts";

/** `idcctl set recover`, `adopt`: the way out of a ledger that is lost, or older than the brokers; and into it, for sets of others. */
export const setRecoveryVerbs: readonly Verb[] = [
  {
    name: "set recover",
    args: "[SET]",
    help: "Make who acts as master, else the furthest, the master of an epoch above every one seen, for a set that is ledger-behind or has no candidate; --all: every set that is ledger-behind; --master ID --force: this one, whatever is lost. Needs --reason. Exit 6 when some were not.",
    flags: ["all", "master", "force", "dryRun"],
    reason: "needed",
    run: recover,
  },
  {
    name: "set adopt",
    args: "[SET]",
    help: "Put brokers that run, and that the ledger does not know or knows as they were, on record as a set, and recover it: --brokers 1,2,3 names all of them, one that is down as 3=HOST:PORT. --all --replicas N: every set of which N are heard and none is on record. Needs --reason. Exit 6 when some were not.",
    flags: ["brokers", "all", "replicas", "master", "force", "dryRun"],
    reason: "needed",
    run: adopt,
  },
];

async function recover(call: Call): Promise<number> {
  const { all, master } = call.flags;
  const wish = wishOf(call, "set recover");
  const client = call.arbiters();
  if (all) {
    noArgs(call, "set recover --all");
    if (master !== undefined) throw new UsageError("set recover --all takes no --master: each set has its own");
    await knowsAll(client);
    const { sets } = await client.get<{ sets: SetSummary[] }>("/v1/sets");
    const behind = sets.filter(({ frozen }) => frozen?.code === "ledger-behind").map(({ name }) => name);
    if (behind.length === 0) call.write("No set is frozen as ledger-behind.\n");
    return await each(call, behind, (name) => recoverOne(call, client, name, wish));
  }
  const name = onlyArg(call, "set recover", "a set: cluster/set, or --all");
  call.write(`${name}: ${await recoverOne(call, client, name, wish)}\n`);
  return exitCodes.ok;
}

async function recoverOne(call: Call, client: Client, name: string, wish: Wish): Promise<string> {
  const path = await pathOf(client, name);
  const { dryRun, reason } = call.flags;
  if (!dryRun) return (await client.post<DoneReport>(`${path}/recover`, { reason, ...wish })).done;
  const set = await client.get<SetReport>(path);
  const epochs = set.brokers.map(({ reported }) => reported?.epoch ?? 0);
  const who = wish.master === undefined ? "who acts as master, else the furthest," : `broker ${wish.master}`;
  return `${who} would become master under an epoch above ${Math.max(set.epoch, ...epochs)}; master now: ${set.master?.id ?? "none"} of epoch ${set.epoch}, ${set.phase}`;
}

async function adopt(call: Call): Promise<number> {
  const { all, brokers, master, replicas } = call.flags;
  const wish = wishOf(call, "set adopt");
  const client = call.arbiters();
  if (all) {
    noArgs(call, "set adopt --all");
    if (brokers !== undefined || master !== undefined)
      throw new UsageError(
        "set adopt --all takes --replicas, and neither --brokers nor --master: each set has its own",
      );
    const wanted = Number(replicas);
    if (!/^\d{1,2}$/.test(replicas ?? "") || wanted < 1)
      throw new UsageError("set adopt --all needs --replicas N: how many brokers each set has");
    return await adoptAll(call, client, wanted);
  }
  const name = onlyArg(call, "set adopt", "a set: cluster/set, or --all");
  if (replicas !== undefined) throw new UsageError("set adopt takes --replicas only with --all");
  if (brokers === undefined)
    throw new UsageError(`set adopt needs --brokers: all brokers of ${name}, for example 1,2,3`);
  call.write(
    `${name}: ${await adoptOne(call, client, name, { brokers: brokers.split(",").map(brokerOf), ...wish })}\n`,
  );
  return exitCodes.ok;
}

/** An arbiter that has just started may not have read the ledger, nor frozen every set of one that was restored. */
async function knowsAll(client: Client): Promise<void> {
  const { site, ledger, quorum } = await client.get<StatusReport>("/v1/status");
  if (ledger.followed && !ledger.restored && quorum.fresh) return;
  const why = ledger.restored
    ? "has not frozen every set of the restored ledger"
    : ledger.followed
      ? "has no quorum in etcd"
      : "does not follow the ledger";
  throw new OperatorError("CTL_NOT_YET", `The arbiter of ${site} ${why} yet`, {
    hint: "Again in a moment; idcctl status",
  });
}

/** A set of which another number is heard is left to a person. */
async function adoptAll(call: Call, client: Client, replicas: number): Promise<number> {
  await knowsAll(client);
  const { sets, unrecorded } = await client.get<{ sets: SetSummary[]; unrecorded: UnrecordedReport[] }>("/v1/sets");
  const strange = unrecorded.filter(({ name }) => !sets.some((set) => set.name === name));
  if (strange.length === 0) call.write("Every set that is heard is on record.\n");
  return await each(
    call,
    strange.map(({ name }) => name),
    async (name) => {
      const found = strange.find((one) => one.name === name)?.brokers ?? [];
      if (found.length !== replicas)
        throw new OperatorError("CTL_REPLICAS", `${found.length} brokers are heard, not ${replicas}`, {
          hint: `idcctl set adopt ${name} --brokers …`,
        });
      return await adoptOne(call, client, name, { brokers: found.map(({ id }) => ({ id })) });
    },
  );
}

async function adoptOne(call: Call, client: Client, name: string, body: Adoption): Promise<string> {
  const [cluster = "", set = "", ...rest] = name.split("/");
  if (cluster === "" || set === "" || rest.length > 0) throw new UsageError(`${name} names no set: write cluster/set`);
  const { dryRun, reason } = call.flags;
  if (dryRun) return `brokers ${body.brokers.map(({ id }) => id).join(", ")} would go on record`;
  const path = `/v1/sets/${encodeURIComponent(cluster)}/${encodeURIComponent(set)}/adopt`;
  return (await client.post<DoneReport>(path, { reason, ...body })).done;
}

interface Wish {
  readonly master?: number;
  readonly force?: true;
}

interface Adoption extends Wish {
  readonly brokers: readonly { readonly id: number; readonly address?: string }[];
}

function wishOf({ flags: { master, force } }: Call, verb: string): Wish {
  if (master !== undefined && !/^\d{1,9}$/.test(master))
    throw new UsageError(`--master ${master} is no broker id: idcctl set show lists them`);
  if (force && master === undefined) throw new UsageError(`${verb} takes --force only with --master`);
  return { ...(master === undefined ? {} : { master: Number(master) }), ...(force ? { force } : {}) };
}

function brokerOf(text: string): Adoption["brokers"][number] {
  const [, id, address] = /^\s*(\d{1,9})(?:=(\S+:\d{1,5}))?\s*$/.exec(text) ?? [];
  if (id === undefined) throw new UsageError(`--brokers: ${text} is neither an id nor id=HOST:PORT`);
  return { id: Number(id), ...(address === undefined ? {} : { address }) };
}

/** One after the other; one that is refused does not keep the others. */
async function each(call: Call, names: readonly string[], run: (name: string) => Promise<string>): Promise<number> {
  let failed = 0;
  for (const name of names) {
    try {
      call.write(`${name}: ${await run(name)}\n`);
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      failed += 1;
      call.write(`${name} was not: ${error.code}: ${messageOf(error)}\n`);
    }
  }
  return failed === 0 ? exitCodes.ok : exitCodes.different;
}
