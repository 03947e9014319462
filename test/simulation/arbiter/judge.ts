import type { DecisionRecord, SetRecord } from "../../../arbiter/core/model.ts";
import type { Broker } from "./virtual-broker.ts";

/** What must hold at every moment, judged from outside: from records, acknowledgements and roles; nothing of the arbiter's own. */
export interface Judge {
  decided(decision: DecisionRecord, at: number): void;
  recorded(record: SetRecord): void;
  acked(ack: Ack): void;
  look(brokers: readonly Broker[]): void;
  /** At the end: what the master has. */
  kept(messages: ReadonlySet<string>): void;
  readonly acks: readonly Ack[];
  counts(): { acked: number; decisions: number; failovers: number; switches: number; takenBack: number };
}

export interface Ack {
  readonly message: string;
  readonly broker: string;
  readonly epoch: number;
  readonly sentAt: number;
  readonly at: number;
}

export function createJudge(): Judge {
  const acks: Ack[] = [];
  const decisions = new Map<number, DecisionRecord>();
  const mastersOf = new Map<number, string>();
  let last: SetRecord | undefined;

  return {
    acks,
    decided(decision) {
      const { input, verdict } = decision;
      const before = decisions.get(verdict.epoch);
      decisions.set(verdict.epoch, decision);
      if (before !== undefined) {
        if (before.verdict.winner !== verdict.winner) throw new Error(`I1: epoch ${verdict.epoch} was decided twice`);
        return;
      }
      if (verdict.epoch <= input.epoch) throw new Error(`I1: epoch ${verdict.epoch} after ${input.epoch}`);
      if (input.kind !== "failover" && input.kind !== "restart") return;
      const down = new Set(
        input.answers
          .filter(
            ({ question, master }) =>
              question === input.question?.id && (master.verdict === "dead" || master.verdict === "silent"),
          )
          .map(({ site }) => site),
      );
      if (down.size <= input.sites.length / 2)
        throw new Error(`I2: epoch ${verdict.epoch} rests on ${down.size} sites`);
      if (!input.inSync.includes(verdict.winner)) throw new Error(`I3: broker ${verdict.winner} was not in sync`);
    },
    recorded(record) {
      if (last !== undefined && record.epoch < last.epoch)
        throw new Error(`I1: the record went from epoch ${last.epoch} to ${record.epoch}`);
      if (last !== undefined && record.epoch === last.epoch && last.epoch > 0 && record.master !== last.master) {
        throw new Error(`I1: another master within epoch ${record.epoch}`);
      }
      if (last !== undefined && record.inSyncEpoch < last.inSyncEpoch) throw new Error("the in-sync epoch went back");
      last = record;
    },
    acked: (ack) => void acks.push(ack),
    look(brokers) {
      for (const { role, epoch, name } of brokers) {
        if (role !== "master") continue;
        const before = mastersOf.get(epoch);
        if (before !== undefined && before !== name)
          throw new Error(`I1: ${before} and ${name} were masters of epoch ${epoch}`);
        mastersOf.set(epoch, name);
      }
    },
    kept(messages) {
      const lost = acks.filter(({ message }) => !messages.has(message));
      if (lost.length === 0) return;
      const first = lost[0];
      throw new Error(
        `I6: ${lost.length} of ${acks.length} acknowledged messages are gone, first ${JSON.stringify(first)}`,
      );
    },
    counts: () => ({
      acked: acks.length,
      decisions: decisions.size,
      failovers: [...decisions.values()].filter(({ input }) => input.kind === "failover").length,
      switches: [...decisions.values()].filter(({ input }) => input.kind === "switch").length,
      takenBack: [...decisions.values()].filter(({ input }) => input.kind === "switch-back").length,
    }),
  };
}
