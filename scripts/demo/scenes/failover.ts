import { relative } from "node:path";
import { formatCount, formatMs, formatTable } from "#lib/table.ts";
import type { DecisionRecord } from "../../../arbiter/core/decision.ts";
import { projectFolder } from "../../../test/integration/harness/project.ts";
import type { FaultName } from "../../../test/world/failover/faults.ts";
import { type Outcome, openPlay } from "../../../test/world/failover/play.ts";
import { type Stage as Sites, untilComplete } from "../../../test/world/failover/stage.ts";
import { problemsOf } from "../../../test/world/failover/verdict.ts";
import type { Server } from "../../../test/world/server.ts";
import { idcctl, readDecision, readSet } from "../sites.ts";
import type { Stage } from "../stage.ts";
import { expectThat } from "../story.ts";
import { formatTimeline, timelineOf } from "../timeline.ts";

/** Fewer acknowledged messages prove little; three times as many are usual. */
const ackedMin = 2_000;

export interface FailoverStory {
  readonly stage: Stage;
  readonly sites: Sites;
  readonly signal: AbortSignal;
}

/** How a fault is told. */
export interface Fault {
  readonly name: FaultName;
  readonly title: string;
  readonly intro: string;
  /** As a person would do it. */
  readonly command: string;
  readonly backTitle: string;
  readonly back: string;
  /** Longest wait for the old master to be in sync again. */
  readonly settleMsMax: number;
  /** What may keep it longer; without it that is not as it should be. */
  readonly laterWhen?: string;
}

/** What a fault came to. */
export interface Failover {
  readonly fault: Fault;
  readonly record: DecisionRecord;
  readonly outcome: Outcome;
}

export const killed: Fault = {
  name: "kill",
  title: "The master is killed",
  intro: "Its process is gone, and its port refuses.",
  command: "kill -9",
  backTitle: "The killed broker is started again",
  back: "It finds the record: another broker is master, of a later epoch. It follows that one, and drops what nobody else has.",
  settleMsMax: 90_000,
};

export const hung: Fault = {
  name: "freeze",
  title: "The master hangs",
  intro:
    "Its process stands still. Its port accepts connections, and nobody answers: it takes silence to find that out.",
  command: "kill -STOP",
  backTitle: "The hung broker goes on, and still believes that it is master",
  back: "Clients in both IDCs go on sending to it all the time, whatever the name servers say. If it acknowledged one of these, two masters would have.",
  settleMsMax: 20_000,
  laterWhen:
    "It may have stored writes before it heard of the switch, which nobody acknowledged and nobody else has: a stock broker needs 90 s to cut them off.",
};

/** Where everything runs, and what the arbiters say of it. */
export async function threeSites({ stage, sites }: FailoverStory): Promise<void> {
  const { deciders, etcds, nameServers, brokers } = sites;
  stage.scene("Three sites, one broker set");
  stage.say(
    "Two IDCs 1 ms apart and a small third site 3 ms away, as network namespaces. Each site votes; a master is replaced only when two of three say that it is down.",
  );
  const at = (servers: readonly Server[], site: string): string =>
    servers.flatMap((server) => (server.site === site ? [server.address.split(":")[1] ?? ""] : [])).join(", ");
  const rows = deciders.map(({ site, address }) => [
    site,
    address.split(":")[0] ?? "",
    ...[deciders, etcds, nameServers, brokers].map((servers) => at(servers, site)),
  ]);
  stage.show(formatTable(["SITE", "ADDRESS", "ARBITER", "ETCD", "NAME SERVER", "BROKERS"], rows));
  await showIdcctl({ stage, sites }, "status");
}

/** One fault of the master under load: who votes what, who is master then, and the way back. @throws when it goes otherwise */
export async function failover(story: FailoverStory, fault: Fault): Promise<Failover> {
  const { stage, sites, signal } = story;
  stage.scene(fault.title);
  const before = await stage.wait(() => "all replicas get in sync", untilComplete(sites));
  const { master: was } = await readSet(sites);
  await using play = await stage.wait(() => "producers begin", openPlay(sites, fault.name, before));
  const { master } = play;
  expectThat(`${master.address} is master`, was?.address === master.address, `${was?.address} is`);
  const id = was?.id ?? 0;
  stage.say(
    `Four producers, one in each site and one elsewhere, send 320 messages a second to the master: broker ${id} in ${master.site}, of epoch ${before.masterEpoch}. ${fault.intro}`,
  );
  stage.show(`$ ${fault.command} ${master.pid}`);
  const faultAt = await stage.wait(() => "the sites ask each other", play.strike());
  const [named] = play.named();
  if (named === undefined) throw new Error(`Expected: another master than broker ${id}. Found: none was named`);
  const record = await stage.wait(() => "the decision is carried out", readDecision(sites, named.epoch, signal));
  const seen = { ...play.gap(), fault: `${fault.command} of broker ${id} in ${master.site}`, faultAt };
  stage.show(formatTimeline(timelineOf(record, seen), stage.paint));
  stage.say(
    "From the decision record, and from what clients saw. Why it was decided so can be asked at any time, at any site:",
  );
  await showIdcctl(story, "decision", "explain", record.id);

  stage.scene(fault.backTitle);
  stage.say(fault.back);
  await stage.wait(() => "the old master gets in sync", play.restore(fault.settleMsMax));
  const outcome = await stage.wait(() => "every acknowledged message is read back", play.judge(ackedMin));
  stage.show(`evidence: ${relative(projectFolder, outcome.evidence)}`);
  const { inSyncMs, set, stale } = outcome;
  const later = inSyncMs === null ? fault.laterWhen : undefined;
  const problems = problemsOf(later === undefined ? outcome : { ...outcome, inSyncMs: fault.settleMsMax });
  expectThat("nothing lost, one master at a time", problems.length === 0, problems.join("; "));
  const { winner } = record.verdict;
  const after = await readSet(sites);
  expectThat(`broker ${winner} is master still`, after.master?.id === winner, `${after.master?.id} is`);
  stage.show(
    formatTable(
      ["BROKER", "IDC", "ADDRESS", "ROLE"],
      after.brokers.map((broker) => [broker.id, broker.idc, broker.address, broker.role]),
    ),
  );
  const back =
    later === undefined
      ? `was a slave in sync after ${formatMs(inSyncMs ?? 0)}`
      : `is not in sync after ${formatMs(fault.settleMsMax)}`;
  stage.say(`Broker ${id} ${back}. ${later ?? ""}`.trimEnd());
  stage.say(
    `${formatCount(set.acked)} messages were acknowledged since the producers began; every one was read back from broker ${winner}: lost ${set.lost.length}. Acknowledged by a master that had been replaced: ${stale.acks.length}.`,
  );
  return { fault, record, outcome };
}

/** Both faults beside each other. */
export function summary({ stage }: FailoverStory, failovers: readonly Failover[]): void {
  stage.scene("What it came to");
  stage.show(
    formatTable(
      ["FAULT", "VOTES", "EPOCH", "FIRST WRITE AFTER", "ACKED", "LOST", "STALE ACKS", "IN SYNC AFTER"],
      failovers.map(({ fault, record, outcome }) => [
        fault.command,
        votesText(record),
        `${outcome.oldEpoch} -> ${record.verdict.epoch}`,
        formatMs(outcome.gap.movedMs ?? 0),
        outcome.set.acked,
        outcome.set.lost.length,
        outcome.stale.acks.length,
        outcome.inSyncMs === null ? "not yet" : formatMs(outcome.inSyncMs),
      ]),
    ),
  );
}

function votesText({ input }: DecisionRecord): string {
  return input.sites
    .map((site) => `${site} ${input.answers.find((answer) => answer.site === site)?.master.verdict ?? "-"}`)
    .join(", ");
}

async function showIdcctl({ stage, sites }: Pick<FailoverStory, "stage" | "sites">, ...args: readonly string[]) {
  const { command, text } = await idcctl(sites, ...args);
  stage.show(`$ ${command}\n${text}`);
}
