import { answerOf, wholeWeight } from "../../../idc-router/core/answer.ts";
import type { Event } from "../../../idc-router/core/events.ts";
import { masterRole, setName, type Table } from "../../../idc-router/core/model.ts";
import { Violation } from "../violation.ts";
import { cluster, topic } from "./sets.ts";

/**
 * What a router's clients may rely on, judged after each table: from the events that it was told, and by what clients are answered.
 * Of the core it uses the answers alone.
 */
export interface Judge {
  /** A process begins with this table. */
  began(table: Table): void;
  told(event: Event, now: number): void;
  /** Every table, also one that says the same. */
  look(table: Table, now: number): void;
}

/** As in ARCHITECTURE.md: a ledger that was not followed for so long has no say over masters. */
const ledgerStaleMs = 10_000;
const idcs = ["idc1", "idc2"] as const;

const answerOptions = {
  rules: [],
  orderOf: (idc: string) => (idc === "idc1" ? ["idc1", "idc2"] : ["idc2", "idc1"]),
  clusters: [cluster],
};

export function createJudge(): Judge {
  let last: Table | undefined;
  const epochs = new Map<string, number>();
  /** Of each set: the newest epoch that the ledger told of, with its master. */
  const records = new Map<string, { readonly epoch: number; readonly master: string | null }>();
  let ledgerAt = Number.NEGATIVE_INFINITY;
  /** What each name server answered to the newest question that it answered. */
  const shown = new Map<string, { readonly askedAt: number; readonly masters: ReadonlyMap<string, string> | null }>();
  let wasKnown = false;

  const record = (key: string, text: string): void => {
    const [folder, , set = ""] = key.split("/");
    if (folder !== "sets") return;
    const { epoch, master, replicas } = JSON.parse(text) as Record;
    const known = records.get(set);
    if (known === undefined || epoch >= known.epoch)
      records.set(set, { epoch, master: replicas[master]?.address ?? "" });
  };
  const judgeMaster = (set: string, master: string | null, now: number): void => {
    if (master === null) return;
    const known = records.get(set);
    if (known !== undefined && now - ledgerAt < ledgerStaleMs) {
      if (known.master !== master)
        throw new Violation(
          `I9: ${set} is shown with ${master}; the ledger told of ${known.master}, epoch ${known.epoch}`,
        );
      return;
    }
    const masters = [...shown.values()].flatMap((one) => one.masters?.get(set) ?? []);
    const isSpoken = [...shown.values()].some((one) => one.masters !== null);
    if (isSpoken && !masters.includes(master))
      throw new Violation(`I9: ${set} is shown with ${master}; name servers show ${masters.join(", ") || "nobody"}`);
  };
  const judgeAnswers = (table: Table): void => {
    for (const idc of idcs) {
      const answer = answerOf(table, { topic, idc }, answerOptions, 0);
      if (answer === undefined || answer.brokers.length === 0) {
        if (wasKnown) throw new Violation(`I9: ${idc} is shown no broker of ${topic}, which was known`);
        continue;
      }
      wasKnown = true;
      const sum = answer.brokers.reduce((all, { weight }) => all + weight, 0);
      if (sum > wholeWeight) throw new Violation(`the weights for ${idc} are ${sum} together`);
      if (answer.why === "") throw new Violation(`I9: ${idc} is not told why`);
    }
  };

  return {
    began(table) {
      last = table;
      epochs.clear();
      records.clear();
      shown.clear();
      ledgerAt = Number.NEGATIVE_INFINITY;
      for (const { set, epoch, master } of table.sets.values()) {
        if (epoch === null) continue;
        epochs.set(set, epoch);
        records.set(set, { epoch, master });
      }
      wasKnown = table.topics.size > 0;
    },
    told(event, now) {
      if (event.kind === "ledger") for (const { key, text } of event.entries) record(key, text);
      if (event.kind === "ledgerChanged" && event.text !== null) record(event.key, event.text);
      if (event.kind === "ledger" || event.kind === "ledgerChanged" || event.kind === "ledgerCurrent") ledgerAt = now;
      if (event.kind !== "brokers" && event.kind !== "nameServerSilent") return;
      const { nameServer, askedAt } = event;
      if ((shown.get(nameServer)?.askedAt ?? -1) >= askedAt) return;
      const masters =
        event.kind === "brokers"
          ? new Map([...event.sets].flatMap(([set, addresses]) => pairOf(set, addresses.get(masterRole))))
          : null;
      shown.set(nameServer, { askedAt, masters });
    },
    look(table, now) {
      if (last !== undefined && table !== last && table.revision !== last.revision + 1)
        throw new Violation(`the table of revision ${last.revision} is followed by one of ${table.revision}`);
      last = table;
      for (const { set, epoch, master } of table.sets.values()) {
        const before = epochs.get(set) ?? -1;
        if ((epoch ?? -1) < before) throw new Violation(`I9: ${set} went from epoch ${before} back to ${epoch}`);
        if (epoch !== null) epochs.set(set, epoch);
        judgeMaster(set, master, now);
      }
      for (const set of epochs.keys())
        if (!table.sets.has(setName(cluster, set))) throw new Violation(`I9: ${set} is forgotten`);
      judgeAnswers(table);
    },
  };
}

interface Record {
  readonly epoch: number;
  readonly master: number;
  readonly replicas: { readonly [id: number]: { readonly address: string } };
}

function pairOf(set: string, address: string | undefined): [string, string][] {
  return address === undefined ? [] : [[set, address]];
}
