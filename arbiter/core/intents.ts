import type { Act } from "./audit.ts";
import type { Context } from "./context.ts";
import type { Transaction } from "./events.ts";
import { drainKey, idcKey } from "./keys.ts";
import type { DrainRecord, IdcRecord } from "./model.ts";
import type { OperatorRequest } from "./operator-messages.ts";
import { encodeDrain, encodeIdc } from "./records.ts";
import type { SetView } from "./set-view.ts";

/**
 * What operators want of brokers and IDCs, on record: an IDC that is drained, a broker that is to be upgraded. Elections and
 * switches go by it; nothing is moved by the record alone.
 */

/** Nothing is written here but by `write`, which has the entry for the audit log. */
type Reading = Omit<Context, "commit" | "commitAct">;
type Write = (transaction: Transaction, what: Act["what"], detail: string) => void;
type Refuse = (code: string, message: string, hint: string) => void;

/** Per cent: nobody said less. */
const wholeWeight = 100;

/** Routers read the same record: the epoch tells them which of two is the newer. */
export function setIdc(
  { idc, reason, ...wish }: Extract<OperatorRequest, { kind: "idc" }>,
  context: Reading,
  write: Write,
  refuse: Refuse,
): void {
  const { mirror, moment } = context;
  const known = mirror.idcs.get(idc);
  if (known === undefined && !isKnownIdc(idc, context)) {
    refuse(
      "ARB_NO_IDC",
      `No broker of any set is in an IDC ${JSON.stringify(idc)}`,
      "idcctl set show tells each broker's",
    );
    return;
  }
  const before: IdcRecord = known?.value ?? { state: "active", weight: wholeWeight, epoch: 0, reason: "", at: 0 };
  const { state = before.state, weight = before.weight } = wish;
  // Routers keep the highest that they have seen: after a lost or restored ledger a mere next one would be lower.
  const epoch = Math.max(before.epoch + 1, Math.floor(moment.wall / 1_000));
  const next: IdcRecord = { state, weight, epoch, reason, at: moment.wall };
  const key = idcKey(idc);
  write(
    {
      compares: [{ key, revision: known?.revision ?? 0n }],
      puts: [{ key, text: encodeIdc(next, idc), onLease: false }],
      deletes: [],
    },
    "idc",
    `${idc} is ${state}${weight === wholeWeight ? "" : ` with weight ${weight}`} (epoch ${next.epoch})`,
  );
}

function isKnownIdc(idc: string, context: Reading): boolean {
  return [...context.mirror.sets.values()].some((view) =>
    Object.keys(view.record?.value.replicas ?? {}).some((id) => context.idcOf(view, Number(id)) === idc),
  );
}

/** A set of which no broker is drained has no record. */
export function setDrain(
  view: SetView,
  { broker, drained, reason }: Extract<OperatorRequest, { kind: "drainBroker" }>,
  context: Reading,
  write: Write,
  refuse: Refuse,
): void {
  const { cluster, set, name, drains, record } = view;
  const address = record?.value.replicas[broker]?.address;
  const before = drains?.value.brokers ?? {};
  if (address === undefined && before[broker] === undefined) {
    const ids = Object.keys(record?.value.replicas ?? {}).join(", ");
    refuse("ARB_NO_BROKER", `${name} has no broker ${broker}: it has ${ids || "none"}`, `idcctl set show ${name}`);
    return;
  }
  const { [broker]: _own, ...others } = before;
  const brokers: DrainRecord["brokers"] = drained
    ? { ...others, [broker]: { reason, at: context.moment.wall } }
    : others;
  const key = drainKey(name);
  const isEmpty = Object.keys(brokers).length === 0;
  write(
    {
      compares: [{ key, revision: drains?.revision ?? 0n }],
      puts: isEmpty ? [] : [{ key, text: encodeDrain({ cluster, set, brokers }), onLease: false }],
      deletes: isEmpty && drains !== null ? [key] : [],
    },
    drained ? "drain-broker" : "undrain-broker",
    `broker ${broker} of ${name} is ${drained ? "drained" : "no longer drained"}`,
  );
}
