import { resultCodes } from "#lib/remoting/codes.ts";
import type { ControllerAnswer, ControllerRequest, MasterInfo } from "../../../../arbiter/core/controller-messages.ts";

/** A controller that decides nothing: it says what it was told to say, to virtual brokers and to real ones alike. */
export interface Script {
  /** Who is master from now on, for whoever asks. */
  say(master: number | null, epoch: number): void;
  /** It knows of no leader, until it says something again: nobody can register. */
  hush(): void;
  /** What a role change says (1008); whoever asks is told what was said before. */
  order(master: number, epoch: number): MasterInfo;
  answer(request: ControllerRequest): ControllerAnswer;
}

/** What a test tells one that runs elsewhere. */
export type ScriptLine =
  | { readonly master: number | null; readonly epoch: number; readonly order: boolean }
  | { readonly hush: true };

export const cluster = "C1";
export const set = "bs1";

/** @param own host:port of its door */
export function createScript(own: string): Script {
  const addresses = new Map<number, string>();
  let ids = 0;
  let master: number | null = null;
  let epoch = 0;
  let inSync: readonly number[] = [];
  let inSyncEpoch = 0;
  let isHushed = false;

  const info = (): MasterInfo => ({
    master,
    address: master === null ? null : (addresses.get(master) ?? null),
    epoch,
    inSync,
    inSyncEpoch,
  });
  return {
    say(next, nextEpoch) {
      isHushed = false;
      master = next;
      epoch = nextEpoch;
      inSync = next === null ? [] : [next];
      inSyncEpoch += 1;
    },
    hush() {
      isHushed = true;
    },
    order(named, namedEpoch) {
      inSyncEpoch += 1;
      return { master: named, address: addresses.get(named) ?? null, epoch: namedEpoch, inSync: [named], inSyncEpoch };
    },
    answer(request) {
      switch (request.kind) {
        case "metadata":
          return isHushed
            ? { kind: "metadata", leader: null, leaderSite: "", peers: [own] }
            : { kind: "metadata", leader: own, leaderSite: "idc1", peers: [own] };
        case "nextBrokerId":
          return { kind: "nextBrokerId", cluster, set, id: ids + 1 };
        case "applyBrokerId":
          ids = request.id;
          return { kind: "applyBrokerId", cluster, set };
        case "registerBroker":
          addresses.set(request.id, request.address);
          return { kind: "registerBroker", cluster, set, info: info() };
        case "electMaster":
          if (master === null) {
            const code = resultCodes.CONTROLLER_ELECT_MASTER_FAILED;
            return { kind: "refused", code, remark: "the script names nobody" };
          }
          return { kind: "electMaster", code: 0, cluster, set, info: info(), members: Object.fromEntries(addresses) };
        case "replicaInfo":
          return { kind: "replicaInfo", info: info() };
        case "alterInSync":
          if (request.master !== master || request.epoch !== epoch) {
            const code = resultCodes.CONTROLLER_FENCED_MASTER_EPOCH;
            return { kind: "refused", code, remark: `the script is at epoch ${epoch}` };
          }
          ({ inSync } = request);
          inSyncEpoch += 1;
          return { kind: "alterInSync", inSync, inSyncEpoch };
        case "inSyncData":
        case "cleanBroker":
          return { kind: "refused", code: resultCodes.SYSTEM_ERROR, remark: "not in the script" };
      }
    },
  };
}
