import { decodeSet } from "../../../arbiter/core/records.ts";
import { judgeChains } from "./audit.ts";
import { cluster, set } from "./places.ts";
import type { World } from "./world.ts";

/** Some time after the last fault all is as before, and nothing that was acknowledged is gone. @returns the last epoch */
export function atPeace({ judge, brokers, etcd }: World): number {
  const text = etcd.entries.get(`sets/${cluster}/${set}`)?.text;
  if (text === undefined) throw new Error("the set has no record");
  const record = decodeSet(text);
  const fail = (what: string): never => {
    const state = brokers.map(
      (one) => `${one.name} id ${one.id} ${one.state} ${one.role} epoch ${one.epoch} log ${one.log.length}`,
    );
    const open = [...etcd.entries]
      .filter(([key]) => !key.startsWith("decisions/"))
      .map(([key, entry]) => `${key} ${entry.text}`);
    throw new Error(`at peace: ${what}\n${state.join("\n")}\n${open.join("\n")}`);
  };
  if (record.frozen !== null) fail(`the set is frozen: ${record.frozen.reason}`);
  const master = brokers.find(({ id }) => id === record.master);
  if (master === undefined || master.role !== "master") return fail(`broker ${record.master} should be master`);
  if (brokers.filter(({ role }) => role === "master").length > 1) fail("two brokers are masters");
  if (record.inSync.length < brokers.length) fail(`only ${record.inSync.length} replicas are in sync`);
  if (record.unconfirmed.length > 0) fail("a member was never confirmed");
  const ids = Object.keys(record.replicas);
  if (ids.length !== brokers.length) fail(`${brokers.length} brokers have the ids ${ids.join(", ")}`);
  if (record.decision !== null) fail(`decision ${record.decision} is not carried out`);
  if (etcd.entries.has(`questions/${cluster}/${set}`)) fail("a question is open");
  if (etcd.entries.has(`switches/${cluster}/${set}`)) fail("a switch is not over");
  const changed = brokers.find(({ minInSync }) => minInSync !== 1);
  if (changed !== undefined) fail(`${changed.name} is left with minInSyncReplicas ${changed.minInSync}`);
  judge.kept(new Set(master.log));
  if (judgeChains(etcd.entries) < judge.counts().decisions) fail("a decision is in no audit log");
  return record.epoch;
}
