import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * What a run's folder says, as plain data. The report is worked out from this alone: neither the product's code nor what the run
 * had in memory has a part in it. Times are ms from the run's begin.
 */
export interface Evidence {
  readonly about: About;
  readonly faults: readonly FaultSeen[];
  readonly sends: readonly Send[];
  readonly got: readonly Got[];
  /** Of the topic in the end, queue by queue, in the order of offsets. */
  readonly stored: readonly Stored[];
  readonly record: readonly Sighting[];
  readonly routes: readonly RouteSeen[];
  readonly decisions: readonly Decision[];
  /** From when on nothing is broken any more; undefined: the run did not come that far. */
  readonly calmAt: number | undefined;
  readonly overAt: number | undefined;
  readonly caughtUp: boolean;
}

interface About {
  readonly startedAt: string;
  readonly contender: string;
  /** How the brokers are set, and what the policy lets be lost. */
  readonly settings: string;
  readonly rpo: string;
  readonly seed: number;
  readonly faults: readonly string[];
  readonly missing: readonly { readonly fault: string; readonly why: string }[];
  readonly faultMs: number;
  readonly set: string;
  readonly brokers: readonly { readonly name: string; readonly site: string; readonly address: string }[];
  /** Names of producers whose silence makes the run worthless. */
  readonly canaries: readonly string[];
  readonly consumers: readonly string[];
  /** Names of the route sources that promise never to go back; name servers promise nothing. */
  readonly routers: readonly string[];
}

export interface FaultSeen {
  readonly nth: number;
  readonly fault: string;
  /** HOST:PORT of the master before. */
  readonly master: string;
  readonly beginAt: number;
  /** undefined: the run ended before. */
  readonly forceAt: number | undefined;
  readonly endAt: number | undefined;
  readonly wholeAt: number | undefined;
  readonly targets: readonly string[];
  readonly singleLink: boolean;
  /** No other master was needed. */
  readonly keeps: boolean;
}

export interface Send {
  readonly id: string;
  readonly producer: string;
  readonly queue: number;
  readonly broker: string;
  readonly at: number;
  /** undefined: there was none. */
  readonly answeredAt: number | undefined;
  readonly code: number | undefined;
}

interface Got {
  readonly at: number;
  readonly consumer: string;
  readonly id: string;
  readonly queue: number;
  readonly offset: number;
}

export interface Stored {
  readonly id: string;
  readonly queue: number;
  readonly offset: number;
}

/** What a decider had on record. */
export interface Sighting {
  readonly at: number;
  readonly by: string;
  readonly epoch: number;
  readonly broker: string;
}

export interface RouteSeen {
  readonly at: number;
  readonly by: string;
  readonly master: string | null;
  readonly brokers: readonly string[];
}

/** An arbiter's record of one: only what the votes are checked by. */
export interface Decision {
  readonly id: string;
  readonly kind: string;
  readonly epoch: number;
  readonly epochBefore: number;
  /** Of the master before, in the set; null: there was none. */
  readonly master: number | null;
  /** What the sites were asked; null: nothing. */
  readonly question: { readonly id: string; readonly epoch: number; readonly master: number } | null;
  /** Those that vote. */
  readonly sites: readonly string[];
  readonly answers: readonly { readonly site: string; readonly question: string; readonly verdict: string }[];
}

type Line = Readonly<Record<string, unknown>> & { readonly at: number; readonly e: string };

export async function readEvidence(folder: string): Promise<Evidence> {
  const read = async (name: string): Promise<Line[]> => linesIn(await readFile(join(folder, `${name}.jsonl`), "utf8"));
  const faults = await read("faults");
  const calm = faults.find(({ e }) => e === "calm");
  const over = faults.find(({ e }) => e === "over");
  return {
    about: JSON.parse(await readFile(join(folder, "run.json"), "utf8")) as About,
    faults: faultsIn(faults),
    sends: sendsIn(await read("producers")),
    got: (await read("consumers")).map(({ at, c, id, q, o }) => ({
      at,
      consumer: String(c),
      id: String(id),
      queue: Number(q),
      offset: Number(o),
    })),
    stored: (await read("stored")).map(({ id, q, o }) => ({ id: String(id), queue: Number(q), offset: Number(o) })),
    record: (await read("record")).map(({ at, by, epoch, broker }) => ({
      at,
      by: String(by),
      epoch: Number(epoch),
      broker: String(broker),
    })),
    routes: (await read("routes")).map(({ at, by, master, brokers }) => ({
      at,
      by: String(by),
      master: master === null ? null : String(master),
      brokers: brokers as string[],
    })),
    decisions: (await read("decisions")).map(({ decision }) => decisionOf(decision as DecisionReport)),
    calmAt: calm?.at,
    overAt: over?.at,
    caughtUp: over?.["caughtUp"] === true,
  };
}

/** A last line that was cut off by the run's end is no line. */
function linesIn(text: string): Line[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Line);
}

function faultsIn(lines: readonly Line[]): FaultSeen[] {
  return lines
    .filter(({ e }) => e === "begin")
    .map((begin): FaultSeen => {
      const of = (e: string) => lines.find((line) => line.e === e && line["nth"] === begin["nth"]);
      const force = of("force");
      return {
        nth: Number(begin["nth"]),
        fault: String(begin["fault"]),
        master: String(begin["master"]),
        beginAt: begin.at,
        forceAt: force?.at,
        endAt: of("end")?.at,
        wholeAt: of("whole")?.at,
        targets: (force?.["targets"] ?? []) as string[],
        singleLink: force?.["singleLink"] === true,
        keeps: force?.["keeps"] === true,
      };
    });
}

function sendsIn(lines: readonly Line[]): Send[] {
  const answers = new Map(lines.filter(({ e }) => e === "answer").map((line) => [String(line["id"]), line]));
  return lines
    .filter(({ e }) => e === "send")
    .map((line): Send => {
      const id = String(line["id"]);
      const answer = answers.get(id);
      return {
        id,
        producer: String(line["p"]),
        queue: Number(line["q"]),
        broker: String(line["b"]),
        at: line.at,
        answeredAt: answer?.at,
        code: answer === undefined ? undefined : Number(answer["code"]),
      };
    });
}

/** Of GET /v1/decisions/ID, the parts that are looked at. */
interface DecisionReport {
  readonly id: string;
  readonly kind: string;
  readonly epoch: number;
  readonly record: {
    readonly input: {
      readonly epoch: number;
      readonly master: number | null;
      readonly sites: readonly string[];
      readonly question: Decision["question"];
      readonly answers: readonly {
        readonly site: string;
        readonly question: string;
        readonly master: { readonly verdict: string };
      }[];
    };
  };
}

function decisionOf({ id, kind, epoch, record: { input } }: DecisionReport): Decision {
  const { master, question, sites } = input;
  const answers = input.answers.map((answer) => ({
    site: answer.site,
    question: answer.question,
    verdict: answer.master.verdict,
  }));
  return { id, kind, epoch, epochBefore: input.epoch, master, question, sites, answers };
}
