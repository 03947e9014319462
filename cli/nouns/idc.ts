import { exitCodes } from "#lib/errors.ts";
import { formatTable } from "#lib/table.ts";
import type { DoneReport } from "../../arbiter/io/api.ts";
import type { IdcsReport } from "../../arbiter/io/api-idcs.ts";
import { type Call, noArgs, onlyArg, UsageError, type Verb } from "../call.ts";
import { formatOutput } from "../output.ts";
import { moveMasters } from "./moves.ts";

/** `idcctl idc`: what operators want of whole IDCs. */
export const idcNoun: readonly Verb[] = [
  {
    name: "idc status",
    args: "",
    help: "Every IDC: what operators want of it, its brokers and masters; and single brokers that are drained.",
    run: status,
  },
  {
    name: "idc drain",
    args: "IDC",
    help: "No messages from routers and no masters in this IDC: --max-in-flight N of them are moved at a time, without losing a message. Needs --reason. Exit 6 when some have not moved.",
    flags: ["maxInFlight", "dryRun"],
    reason: "needed",
    run: drain,
  },
  {
    name: "idc activate",
    args: "IDC",
    help: "It may have messages and masters again; moves nothing: set rebalance does. Needs --reason.",
    flags: ["dryRun"],
    reason: "needed",
    run: activate,
  },
  {
    name: "idc weight",
    args: "IDC N",
    help: "How many per cent of what it could take this IDC is to have of the messages, 0 to 100; routers send the rest on. Moves no master. Needs --reason.",
    flags: ["dryRun"],
    reason: "needed",
    run: weight,
  },
];

async function status(call: Call): Promise<number> {
  noArgs(call, "idc status");
  const report = await call.arbiters().get<IdcsReport>("/v1/idcs");
  call.write(
    formatOutput(report, call.output, ({ idcs, drained }) =>
      [
        formatTable(
          ["IDC", "STATE", "WEIGHT", "BROKERS", "MASTERS", "SINCE", "REASON"],
          idcs.map(({ idc, state, weight, brokers, masters, at, reason }) => {
            return [idc, state, `${weight}%`, brokers, masters, at ?? "-", reason];
          }),
        ),
        ...drained.map(
          ({ set, broker, reason, at }) => `Broker ${broker} of ${set} is drained since ${at}: ${reason}\n`,
        ),
      ].join(""),
    ),
  );
  return exitCodes.ok;
}

async function drain(call: Call): Promise<number> {
  const client = call.arbiters();
  const idc = onlyArg(call, "idc drain", "an IDC");
  await setState(call, idc, "drain", "drained");
  return await moveMasters(call, client, { idc });
}

async function activate(call: Call): Promise<number> {
  await setState(call, onlyArg(call, "idc activate", "an IDC"), "activate", "active");
  return exitCodes.ok;
}

async function weight(call: Call): Promise<number> {
  const [idc, given, ...rest] = call.args;
  if (idc === undefined || given === undefined || rest.length > 0)
    throw new UsageError("idc weight needs an IDC and a weight: idc weight idc1 50");
  const wanted = Number(given);
  if (!/^\d{1,3}$/.test(given) || wanted > 100)
    throw new UsageError(`${given} is no weight: a whole number of per cent, 0 to 100`);
  if (call.flags.dryRun) call.write(`${idc} would have weight ${wanted}\n`);
  else await post(call, idc, "weight", { weight: wanted });
  return exitCodes.ok;
}

async function setState(call: Call, idc: string, verb: string, state: string): Promise<void> {
  if (call.flags.dryRun) {
    call.write(`${idc} would be ${state}\n`);
    return;
  }
  await post(call, idc, verb, {});
}

async function post(call: Call, idc: string, verb: string, more: object): Promise<void> {
  const path = `/v1/idcs/${encodeURIComponent(idc)}/${verb}`;
  const { done } = await call.arbiters().post<DoneReport>(path, { ...more, reason: call.flags.reason });
  call.write(`${done}\n`);
}
