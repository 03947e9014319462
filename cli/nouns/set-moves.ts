import { exitCodes } from "#lib/errors.ts";
import type { DoneReport } from "../../arbiter/io/api.ts";
import { type Call, noArgs, onlyArg, UsageError, type Verb } from "../call.ts";
import { moveMasters } from "./moves.ts";
import { fullName } from "./set.ts";

/** `idcctl set rebalance`, `drain-broker`, `undrain-broker`: masters that go home, or out of the way. */
export const setMoveVerbs: readonly Verb[] = [
  {
    name: "set rebalance",
    args: "",
    help: "Bring masters home to their policies' preferIdcs, and off what is drained: --to-preferred, --max-in-flight N at a time. Needs --reason. Exit 6 when some have not moved.",
    flags: ["toPreferred", "maxInFlight", "dryRun"],
    reason: "needed",
    run: rebalance,
  },
  {
    name: "set drain-broker",
    args: "SET/BROKER",
    help: "Make another broker the master, and keep this one from becoming it until set undrain-broker (or --undo): for an upgrade. Needs --reason.",
    flags: ["undo", "dryRun"],
    reason: "needed",
    run: drainBroker,
  },
  {
    name: "set undrain-broker",
    args: "SET/BROKER",
    help: "The broker may be master again. Moves nothing. Needs --reason.",
    flags: ["dryRun"],
    reason: "needed",
    run: (call) => undrain(call, "set undrain-broker"),
  },
];

async function rebalance(call: Call): Promise<number> {
  noArgs(call, "set rebalance");
  if (!call.flags.toPreferred)
    throw new UsageError("set rebalance needs --to-preferred: where the policies want masters");
  return await moveMasters(call, call.arbiters(), {});
}

async function drainBroker(call: Call): Promise<number> {
  if (call.flags.undo) return await undrain(call, "set drain-broker");
  const client = call.arbiters();
  const { set, broker, path } = await brokerOf(call, "set drain-broker");
  if (call.flags.dryRun) call.write(`${set}: broker ${broker} would be drained\n`);
  else {
    const { done } = await client.post<DoneReport>(`${path}/drain`, { reason: call.flags.reason });
    call.write(`${done}\n`);
  }
  return await moveMasters(call, client, { set, broker });
}

async function undrain(call: Call, verb: string): Promise<number> {
  const { set, broker, path } = await brokerOf(call, verb);
  if (call.flags.dryRun) call.write(`${set}: broker ${broker} would no longer be drained\n`);
  else {
    const { done } = await call.arbiters().post<DoneReport>(`${path}/undrain`, { reason: call.flags.reason });
    call.write(`${done}\n`);
  }
  return exitCodes.ok;
}

/** "C1/bs1/2", or "bs1/2" where only one cluster has a set of this name. */
async function brokerOf(call: Call, verb: string): Promise<{ set: string; broker: string; path: string }> {
  const named = onlyArg(call, verb, "a broker: cluster/set/id");
  const [, setPart = "", broker = ""] = /^(.+)\/(\d{1,9})$/.exec(named) ?? [];
  if (broker === "")
    throw new UsageError(`${named} names no broker: write cluster/set/id, idcctl set show has the ids`);
  const set = await fullName(call.arbiters(), setPart);
  return { set, broker, path: `/v1/sets/${set.split("/").map(encodeURIComponent).join("/")}/brokers/${broker}` };
}
