import type { IStatusResponse } from "etcd3/lib/rpc.js";
import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Members } from "#lib/etcd/members.ts";
import type { LedgerHealth } from "../../ledger.ts";

/** Asks every member for its own state, all at once. */
export async function readHealth(members: Members, clock: Clock, signal: AbortSignal): Promise<LedgerHealth> {
  const answers = await Promise.all(
    members.all.map(async (member) => {
      const { endpoint } = member;
      try {
        const options = { startedAt: clock.now(), signal };
        const status = await members.callAt(member, "status", (etcd, call) => etcd.maintenance.status(call), options);
        return { endpoint, status, failure: "" };
      } catch (error) {
        signal.throwIfAborted();
        return { endpoint, status: undefined, failure: messageOf(error) };
      }
    }),
  );
  const known = answers.flatMap(({ status }) => (status === undefined ? [] : [status]));
  return {
    clusterId: known[0]?.header.cluster_id ?? "",
    members: answers.map(({ endpoint, status, failure }) =>
      status === undefined
        ? { endpoint, ok: false, version: "", dbBytes: 0n, isLeader: false, detail: failure }
        : memberOf(endpoint, status, known[0]?.header.cluster_id ?? ""),
    ),
    alarms: [...new Set(known.flatMap(({ errors }) => errors.filter(isAlarm)))].sort(),
  };
}

function memberOf(
  endpoint: string,
  { header, version, dbSize, leader, errors }: IStatusResponse,
  clusterId: string,
): LedgerHealth["members"][number] {
  const troubles = [
    ...errors.filter((error) => !isAlarm(error)),
    ...(header.cluster_id === clusterId ? [] : [`it is of another cluster: ${header.cluster_id}`]),
  ];
  return {
    endpoint,
    ok: troubles.length === 0,
    version,
    dbBytes: BigInt(dbSize),
    isLeader: leader === header.member_id,
    detail: troubles.join("; "),
  };
}

/** "memberID:1234 alarm:NOSPACE " */
function isAlarm(error: string): boolean {
  return error.includes("alarm:");
}
