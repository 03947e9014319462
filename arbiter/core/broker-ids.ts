import { resultCodes } from "#lib/remoting/codes.ts";
import type { ControllerAnswer, SetRequest } from "./controller-messages.ts";
import type { BrokerId, SetRecord } from "./model.ts";
import type { Judgement, RequestContext } from "./requests.ts";

/**
 * How a broker gets its id: it asks which is free (1012), and applies for it (1013) with a check code, "address;millis", of its own
 * clock. An answer that it has not got in 3 s it takes for a refusal, and applies for the next id: the first one stays on record, as
 * nobody knows which of the two it goes on with. Its address answers probes, so it is alive as long as the broker is; no heartbeat
 * ever names it. An operator removes it (mqadmin cleanBrokerMetadata).
 */

export function nextBrokerId(context: RequestContext): Judgement {
  const { cluster, set, record } = context;
  const unrecorded = context.unrecorded();
  if (record === null && unrecorded.length > 0) return notAdopted(unrecorded, context);
  // An id that is not on record, and taken all the same, would be given twice.
  const ids = [...Object.keys(record?.replicas ?? {}).map(Number), ...unrecorded];
  return { kind: "answer", answer: { kind: "nextBrokerId", cluster, set, id: Math.max(0, ...ids) + 1 } };
}

/** A broker keeps its id by its check code: the same request twice is one. */
export function applyBrokerId(
  request: Extract<SetRequest, { kind: "applyBrokerId" }>,
  context: RequestContext,
): Judgement {
  const { cluster, set, record } = context;
  const unrecorded = context.unrecorded();
  const { id, checkCode } = request;
  const answer: ControllerAnswer = { kind: "applyBrokerId", cluster, set };
  if (record === null && unrecorded.length > 0) return notAdopted(unrecorded, context);
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
  if (known !== undefined || unrecorded.includes(id) || !Number.isSafeInteger(id) || id < 1) {
    return invalid(`Fail to apply brokerId: ${id} in broker-set: ${set}`, context);
  }
  const next = { ...record, replicas: { ...record.replicas, [id]: replica } };
  return { kind: "commit", next, answer, why: "new broker" };
}

/** A set whose record is lost: it would begin anew, with a second master. */
function notAdopted(unrecorded: readonly BrokerId[], context: RequestContext): Judgement {
  const { cluster, set } = context;
  const remark = `Brokers of ${set} are heard that are not on record (${unrecorded.join(", ")}): idcctl set adopt ${cluster}/${set}`;
  return invalid(remark, context);
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
