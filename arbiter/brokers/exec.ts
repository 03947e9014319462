import type { ExecCluster } from "#config/arbiter-exec.ts";
import type { Clock } from "#lib/clock.ts";
import { messageOf, OperatorError } from "#lib/errors.ts";
import { createLanes, type Lanes } from "#lib/lanes.ts";
import { type CallOptions, createConnections } from "#lib/remoting/connections.ts";
import type { MasterInfo } from "../core/controller-messages.ts";
import type { ProbeOutcome } from "../core/events.ts";
import type { BrokerPort, ChangeResult } from "./broker.ts";
import { type MemberReading, readMember } from "./exec/member.ts";
import { createScripts, type ScriptInput, type ScriptName, type ScriptTurns } from "./exec/scripts.ts";
import { reachesController } from "./rocketmq/reach.ts";

export interface ExecPortOptions {
  readonly cluster: ExecCluster;
  /** The same for all clusters of this process. */
  readonly turns: ScriptTurns;
  /** As this site has it: a script refuses what is old. null: there is no record. */
  readonly masterOf: (set: string) => MasterInfo | null;
  readonly clock: Clock;
}

/** For the arbiter's own watch over the members, beside what the port gives. */
export interface ExecPort extends BrokerPort, AsyncDisposable {
  /** @throws {OperatorError} when a script failed */
  read(address: string, options: CallOptions): Promise<MemberReading>;
}

const connectionsMax = 16;
const idleMs = 60_000;

/**
 * Members that are asked and told by scripts. What fencing is here: the fence script's yes. It is asked for the old master of a
 * decision only (`deposed`); a replica follows.
 */
export function createExecPort({ cluster, turns, masterOf, clock }: ExecPortOptions): ExecPort {
  const scripts = createScripts(cluster, turns);
  const places = placesOf(cluster);
  const changing = new Map<string, Lanes>();
  // Other sites' arbiters have a controller door, whatever they decide over.
  const connections = createConnections({ clock, prepare: (request) => request, connectionsMax, idleMs });

  function inputOf(address: string): ScriptInput {
    const input = places.get(address);
    if (input !== undefined) return input;
    throw new OperatorError("ARB_EXEC_UNKNOWN", `No member of cluster ${cluster.name} has the address ${address}`, {
      hint: "Name the same members in the config of every site",
    });
  }

  const read: ExecPort["read"] = async (address, options) => readMember(scripts, inputOf(address), clock, options);

  /** One change of a member at a time. */
  async function change(
    name: ScriptName,
    address: string,
    { master, address: masterAddress, epoch }: MasterInfo,
    { timeoutMs, signal }: CallOptions,
  ): Promise<{ answered: boolean; detail: string }> {
    const input = {
      ...inputOf(address),
      epoch,
      master: master === null || masterAddress === null ? null : { id: master, address: masterAddress },
    };
    const lane = changing.get(address) ?? createLanes(1);
    changing.set(address, lane);
    const limitMs = Math.min(timeoutMs, cluster.changeTimeoutMs);
    const { kind, detail } = await lane.run(() => scripts.run(name, input, { timeoutMs: limitMs, signal }), signal);
    return { answered: kind === "yes", detail };
  }

  return {
    read,
    async probe(address, options): Promise<ProbeOutcome> {
      const found = await read(address, options);
      if (found.kind !== "answered") return found;
      const { reading, acting } = found;
      return { kind: "answered", reading, acting };
    },
    async notify(address, { id, info, deposed = false }, options) {
      const name = id === info.master ? "promote" : deposed ? "fence" : "follow";
      if (name === "follow" && !scripts.has("follow")) return { answered: true, detail: "there is no script follow" };
      try {
        return await change(name, address, info, options);
      } catch (error) {
        options.signal.throwIfAborted();
        return { answered: false, detail: messageOf(error) };
      }
    },
    async routedMaster(_cluster, set, options) {
      const members = cluster.sets.find(({ name }) => name === set)?.members ?? [];
      const found = await Promise.all(
        members.map(async ({ address }) => ({ address, found: await read(address, options).catch(() => null) })),
      );
      options.signal.throwIfAborted();
      const acting = found.filter((each) => each.found?.kind === "answered" && each.found.acting);
      const [only] = acting;
      return only === undefined || acting.length > 1 ? null : only.address;
    },
    async canary(address, _set, options) {
      try {
        const found = await read(address, options);
        if (found.kind !== "answered") return { ok: false, detail: found.detail };
        return found.acting
          ? { ok: true, detail: "its probe says that it acts as master" }
          : { ok: false, detail: "its probe says that it does not act as master" };
      } catch (error) {
        options.signal.throwIfAborted();
        return { ok: false, detail: messageOf(error) };
      }
    },
    async inSyncCount(address, options) {
      const found = await read(address, options);
      if (found.kind === "answered" && found.acting && found.inSync !== null) return found.inSync.length;
      const why = found.kind === "answered" ? "it says that it is no master, or tells no inSync" : found.detail;
      throw new OperatorError("ARB_NOT_MASTER", `${address} counts no replicas: ${why}`, {
        hint: "Look who is master: idcctl status",
      });
    },
    async isMaster(address, options) {
      const found = await read(address, options).catch(() => null);
      options.signal.throwIfAborted();
      return found?.kind === "answered" ? found.acting : null;
    },
    async settings(address, options) {
      const found = await read(address, options).catch(() => null);
      options.signal.throwIfAborted();
      return found?.kind === "answered" ? nothingPromised : null;
    },
    raiseBarrier: async () => noBarrier,
    lowerBarrier: async () => noBarrier,
    reaches: (controller, options) => reachesController(connections, controller, options),
    async reregister(address, options) {
      const info = masterOf(inputOf(address).set);
      if (info === null || info.master === null || info.address === address || !scripts.has("follow")) return;
      await change("follow", address, info, { ...options, timeoutMs: cluster.changeTimeoutMs });
    },
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  };
}

/** Whether a master waits for its replicas before it acknowledges is not asked: nothing is promised. */
const nothingPromised = {
  allAckInSyncStateSet: false,
  minInSyncReplicas: 1,
  flushDiskType: "",
  brokerPermission: 0,
  spins: false,
} as const;

const noBarrier: ChangeResult = { ok: false, detail: "a cluster of kind exec has no barrier" };

function placesOf({ name: cluster, sets }: ExecCluster): ReadonlyMap<string, ScriptInput> {
  return new Map(
    sets.flatMap(({ name: set, members }) =>
      members.map((member) => [member.address, { cluster, set, member, members }] as const),
    ),
  );
}
