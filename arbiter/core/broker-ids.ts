import { resultCodes } from "#lib/remoting/codes.ts";
import type { ControllerAnswer, SetRequest } from "./events.ts";
import type { SetRecord } from "./model.ts";
import type { Judgement, RequestContext } from "./requests.ts";

/**
 * How a broker gets its id: it asks which is free (1012), and applies for it (1013) with a check code, "address;millis", of its own
 * clock. An answer that it has not got in 3 s it takes for a refusal, and applies for the next id: the first one stays on record, as
 * nobody knows which of the two it goes on with. An operator removes it (mqadmin cleanBrokerMetadata).
 */

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
  const replica = { address: checkCode.slice(0, checkCode.lastIndexOf(";")), checkCode };
  if (record === null) {
    if (id !== 1) {
      const remark = `Broker-set: ${set} hasn't been registered in controller, but broker try to apply brokerId: ${id}`;
      return invalid(remark, context);
    }
    return { kind: "commit", next: emptyRecord(cluster, set, { [id]: replica }), answer, why: "first broker" };
  }
  const known = record.replicas[id];
  if (known?.checkCode === checkCode) return { kind: "answer", answer };
  if (known !== undefined || !Number.isSafeInteger(id) || id < 1) {
    return invalid(`Fail to apply brokerId: ${id} in broker-set: ${set}`, context);
  }
  const next = { ...record, replicas: { ...record.replicas, [id]: replica } };
  return { kind: "commit", next, answer, why: "new broker" };
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
