import { exitCodes, OperatorError } from "#lib/errors.ts";
import { formatMs, formatTable } from "#lib/table.ts";
import type { Paint } from "#lib/terminal.ts";
import type { LedgerReport, StatusReport } from "../../arbiter/io/api.ts";
import type { SetReport } from "../../arbiter/io/api-sets.ts";
import { type Call, noArgs, type Verb } from "../call.ts";
import { formatOutput } from "../output.ts";

export const doctorVerb: Verb = {
  name: "doctor",
  args: "",
  help: "Looks for what would stand in the way of a failover: etcd, sites, clocks, brokers. Exit 6 when something would.",
  run: doctor,
};

interface Finding {
  /** bad: stands in the way of a failover. warn: should be mended. */
  readonly level: "ok" | "warn" | "bad";
  readonly about: string;
  readonly what: string;
}

/** One arbiter's word, with what idcctl's own clock said meanwhile. */
interface Patient {
  readonly arbiter: string;
  readonly status: StatusReport | OperatorError;
  readonly ledger: LedgerReport | OperatorError | undefined;
  /** Its wall clock against ours; the answer's way counts half. */
  readonly clockAheadMs: number;
  readonly clockUncertainMs: number;
}

const clockSkewMsMax = 1_000;
/** etcd refuses writes at its quota, 2 GiB unless set. */
const ledgerBytesWarn = 1_500_000_000n;

async function doctor(call: Call): Promise<number> {
  noArgs(call, "doctor");
  const client = call.arbiters();
  const statuses = await client.getFromAll<StatusReport>("/v1/status");
  const ledgers = await client.getFromAll<LedgerReport>("/v1/ledger").catch((error: unknown) => {
    if (error instanceof OperatorError) return [];
    throw error;
  });
  const patients = statuses.map(({ endpoint, answer, tookMs, receivedAt }): Patient => {
    const ledger = ledgers.find((one) => one.endpoint === endpoint)?.answer;
    const at = answer instanceof OperatorError ? receivedAt : Date.parse(answer.at);
    return {
      arbiter: endpoint,
      status: answer,
      ledger,
      clockAheadMs: at - (receivedAt - tookMs / 2),
      clockUncertainMs: tookMs,
    };
  });
  const heard = await setsOf(call);
  const findings = [...patients.flatMap(findingsOf), ...sitesFindings(patients), ...heard.flatMap(brokerFindings)];
  call.write(formatOutput({ findings }, call.output, (value) => renderFindings(value.findings, call.paint)));
  return findings.some(({ level }) => level !== "ok") ? exitCodes.different : exitCodes.ok;
}

async function setsOf(call: Call): Promise<SetReport[]> {
  const client = call.arbiters();
  const { sets } = await client.get<{ sets: { name: string }[] }>("/v1/sets");
  return Promise.all(
    sets.map(({ name }) => client.get<SetReport>(`/v1/sets/${name.split("/").map(encodeURIComponent).join("/")}`)),
  );
}

/** What one arbiter and its etcd look like. */
export function findingsOf({ arbiter, status, ledger, clockAheadMs, clockUncertainMs }: Patient): Finding[] {
  if (status instanceof OperatorError) return [{ level: "bad", about: arbiter, what: status.message }];
  const { site, quorum, voting } = status;
  const found: Finding[] = [];
  const say = (level: Finding["level"], what: string): void => void found.push({ level, about: site, what });
  if (quorum.fresh) say("ok", `quorum in etcd, proven ${formatMs(quorum.proofAgeMs ?? 0)} ago`);
  else say("bad", "no quorum in etcd: it decides nothing and gives brokers no controller");
  if (voting.length > 0 && !voting.includes(site))
    say("bad", `is not among the voting sites ${voting.join(", ")}: does its config name the right site?`);
  for (const { key, why } of status.ledger.unreadable) say("bad", `cannot read ${key} in the ledger: ${why}`);
  if (Math.abs(clockAheadMs) > clockSkewMsMax + clockUncertainMs) {
    say(
      "warn",
      `its clock is ${formatMs(Math.abs(clockAheadMs))} ${clockAheadMs > 0 ? "ahead of" : "behind"} this machine's: pauses and cool-downs end at other times there`,
    );
  } else say("ok", "its clock agrees with this machine's");
  if (ledger instanceof OperatorError) say("bad", `etcd does not tell its health: ${ledger.message}`);
  else if (ledger !== undefined) found.push(...ledgerFindings(site, ledger));
  return found;
}

function ledgerFindings(site: string, { members, alarms }: LedgerReport): Finding[] {
  const found: Finding[] = alarms.map((alarm) => ({ level: "bad", about: site, what: `etcd raises ${alarm}` }));
  for (const { endpoint, ok, version, dbBytes, detail } of members) {
    const about = `${site}: etcd ${endpoint}`;
    if (!ok) {
      found.push({ level: "warn", about, what: `does not answer: ${detail}` });
      continue;
    }
    const stale = staleReads(version);
    const size = `${Math.ceil(Number(dbBytes) / 1_048_576)} MiB`;
    if (BigInt(dbBytes) > ledgerBytesWarn) {
      found.push({
        level: "warn",
        about,
        what: `its database has ${size}: etcd refuses writes at its quota, 2 GiB unless set; compact and defragment it`,
      });
    }
    if (stale !== undefined) found.push({ level: "warn", about, what: `${version}: ${stale}` });
    else found.push({ level: "ok", about, what: `${version}, ${size}` });
  }
  return found;
}

/** The arbiter decides by compare-and-swap alone, which those faults do not touch; they are no reason to keep them. */
function staleReads(version: string): string | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major !== 3) return undefined;
  if (minor < 4) return "is not maintained any more: use 3.5.5 or later, or 3.4.22 or later";
  const known = (minor === 4 && patch >= 20 && patch < 22) || (minor === 5 && patch < 5);
  return known
    ? "may lose or show old data after a restart (known faults): decisions are safe, since each compares revisions; use 3.5.5 or 3.4.22 or later"
    : undefined;
}

/** What the sites know of each other, as each arbiter sees it. */
export function sitesFindings(patients: readonly Patient[]): Finding[] {
  const statuses = patients.flatMap(({ status }) => (status instanceof OperatorError ? [] : [status]));
  const [best] = statuses.toSorted((one, other) => Number(other.quorum.fresh) - Number(one.quorum.fresh));
  if (best === undefined) return [];
  if (best.voting.length === 0) {
    return [{ level: "bad", about: "voting sites", what: "none are named: idcctl init --sites idc1,idc2,witness" }];
  }
  const found: Finding[] = [];
  for (const site of best.sites.filter(({ voting }) => voting)) {
    if (!site.present)
      found.push({
        level: "bad",
        about: site.site,
        what: `is missing: ${site.beatAgeMs === null ? "no beat is known" : `its last beat came ${formatMs(site.beatAgeMs)} ago`}`,
      });
    else if (!site.votes) found.push({ level: "bad", about: site.site, what: `does not vote: ${site.why}` });
    else found.push({ level: "ok", about: site.site, what: `votes; its controller door is ${site.controller}` });
  }
  const incarnations = new Set(statuses.map(({ ledger }) => ledger.incarnation));
  if (incarnations.size > 1)
    found.push({
      level: "bad",
      about: "ledger",
      what: "the arbiters follow different ledgers: compare etcd.endpoints and environment",
    });
  const versions = new Set(best.sites.flatMap(({ version }) => (version === "" ? [] : [version])));
  if (versions.size > 1)
    found.push({ level: "warn", about: "versions", what: `the sites run ${[...versions].join(", ")}` });
  if (best.voting.length === 1)
    found.push({ level: "warn", about: "voting sites", what: "one alone is not safe: when it is lost nobody decides" });
  return found;
}

export function brokerFindings({ name, brokers, protection, phase, why }: SetReport): Finding[] {
  const found: Finding[] = brokers.map(({ id, address, unheardBy }) => ({
    level: unheardBy.length === 0 ? "ok" : "warn",
    about: `${name} broker ${id}`,
    what:
      unheardBy.length === 0
        ? `${address} is heard by every site`
        : `${address} is not heard by ${unheardBy.join(", ")}`,
  }));
  const spinning = brokers.filter(({ settings }) => settings?.spins === true).map(({ id }) => id);
  if (spinning.length > 0)
    found.push({
      level: "warn",
      about: `${name} broker ${spinning.join(", ")}`,
      what: "allAckInSyncStateSet without readUnCommitted takes a core before RocketMQ 5.4, and stands still at times: set readUnCommitted=true",
    });
  if (phase === "blocked" || phase === "frozen") found.push({ level: "bad", about: name, what: `${phase}: ${why}` });
  if (!protection.kept)
    found.push({
      level: "warn",
      about: name,
      what: `promised ${protection.promised}, protected ${protection.level}: ${protection.why}`,
    });
  return found;
}

function renderFindings(findings: readonly Finding[], paint: Paint): string {
  const order = ["bad", "warn", "ok"];
  const sorted = findings.toSorted((one, other) => order.indexOf(one.level) - order.indexOf(other.level));
  const table = formatTable(
    ["", "ABOUT", "WHAT"],
    sorted.map(({ level, about, what }) => [level, about, what]),
  );
  const colour = { ok: paint.green, warn: paint.yellow, bad: paint.red };
  return table.replace(/^(ok|warn|bad)(?= )/gm, (level) => colour[level as Finding["level"]](level));
}
