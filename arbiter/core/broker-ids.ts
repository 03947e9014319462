import { resultCodes } from "#lib/remoting/codes.ts";
import type { ControllerAnswer, SetRequest } from "./events.ts";
import type { BrokerId, SetRecord } from "./model.ts";
import type { Judgement, RequestContext } from "./requests.ts";

/**
 * How a broker gets its id: it asks which is free (1012), and applies for it (1013) with a check code, "address;millis", of its own
 * clock. An answer that it has not got in 3 s it takes for a refusal: it asks for a free id again, and applies with a new code. So what
 * an address applied for, and never used, is no broker's, and goes when the same address applies again.
 */

/** Within so long of each other two codes of one address are two tries of one broker, not a new disk under an old address. */
const triesApartMsMax = 3_600_000;

export function nextBrokerId({ cluster, set, record }: RequestContext): Judgement {
  const ids = Object.keys(record?.replicas ?? {}).map(Number);
  return { kind: "answer", answer: { kind: "nextBrokerId", cluster, set, id: Math.max(0, ...ids) + 1 } };
}

/** A broker keeps its id by its check code: the same request twice is one. */
export function applyBrokerId(
  request: Extract<SetRequest, { kind: "applyBrokerId" }>,
  context: RequestContext,
): Judgement {
  const { cluster, set, record } = context;
  const { id, checkCode } = request;
  const answer: ControllerAnswer = { kind: "applyBrokerId", cluster, set };
  const code = readCheckCode(checkCode);
  const replica = { address: code.address, checkCode };
  if (record === null) {
    if (id !== 1) {
      const remark = `Broker-set: ${set} hasn't been registered in controller, but broker try to apply brokerId: ${id}`;
      return invalid(remark, context);
    }
    return { kind: "commit", next: emptyRecord(cluster, set, { [id]: replica }), answer, why: "first broker" };
  }
  const known = record.replicas[id];
  if (known?.checkCode === checkCode) return { kind: "answer", answer };
  const tries = triesOf(code, record, context);
  const newer = tries.find(({ aheadMs }) => aheadMs > 0);
  if (newer !== undefined) {
    const remark = `Broker ${code.address} of ${set} has applied for brokerId ${newer.id} since: this request is late`;
    return invalid(remark, context);
  }
  const isTaken = known !== undefined && !tries.some((one) => one.id === id);
  if (isTaken || !Number.isSafeInteger(id) || id < 1) {
    return invalid(`Fail to apply brokerId: ${id} in broker-set: ${set}`, context);
  }
  const stays = ([other]: [string, unknown]): boolean => !tries.some((one) => one.id === Number(other));
  const replicas = { ...Object.fromEntries(Object.entries(record.replicas).filter(stays)), [id]: replica };
  const why = tries.length === 0 ? "new broker" : `new broker, instead of ${tries.map((one) => one.id).join(", ")}`;
  return { kind: "commit", next: { ...record, replicas }, answer, why };
}

interface CheckCode {
  readonly text: string;
  readonly address: string;
  /** NaN: the code has none. */
  readonly at: number;
}

function readCheckCode(code: string): CheckCode {
  const end = code.lastIndexOf(";");
  const millis = code.slice(end + 1);
  return { text: code, address: code.slice(0, end), at: /^\d{1,15}$/.test(millis) ? Number(millis) : Number.NaN };
}

/** What this address applied for of late, and nobody is: it was not heard, and no set of replicas ever counted on it. */
function triesOf(
  { text, address, at }: CheckCode,
  { replicas, master, inSync }: SetRecord,
  { isAlive }: RequestContext,
): { readonly id: BrokerId; readonly aheadMs: number }[] {
  return Object.entries(replicas).flatMap(([key, replica]) => {
    const id = Number(key);
    const aheadMs = readCheckCode(replica.checkCode).at - at;
    const isSame = replica.checkCode === text;
    const isTry = replica.address === address && (isSame || Math.abs(aheadMs) <= triesApartMsMax);
    return isTry && id !== master && !inSync.includes(id) && !isAlive(id) ? [{ id, aheadMs }] : [];
  });
}

function invalid(remark: string, { cluster, set }: RequestContext): Judgement {
  const code = resultCodes.CONTROLLER_BROKER_ID_INVALID;
  return { kind: "answer", answer: { kind: "refused", code, remark, cluster, set } };
}

function emptyRecord(cluster: string, set: string, replicas: SetRecord["replicas"]): SetRecord {
  return {
    cluster,
    set,
    epoch: 0,
    inSyncEpoch: 0,
    master: null,
    inSync: [],
    unconfirmed: [],
    replicas,
    decision: null,
    frozen: null,
    failoversAt: [],
  };
}
