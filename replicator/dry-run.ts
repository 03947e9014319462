import { exitCodes } from "#lib/errors.ts";
import { createPaint } from "#lib/terminal.ts";
import type { CompiledLink } from "./compile-links.ts";
import { presumedIdentities } from "./io/acls.ts";
import { openZooKeeper } from "./io/clients.ts";
import { layoutOf } from "./io/layout.ts";
import { createReader } from "./io/reader.ts";
import { reportSurvey, type SurveyReport } from "./io/report.ts";
import { readTombstones } from "./io/tombstones.ts";
import type { LinkDeps } from "./link-daemon.ts";
import { linkOptions } from "./link-options.ts";
import { createProgress } from "./progress.ts";
import { renderSurvey } from "./render-plan.ts";
import { survey } from "./survey.ts";
import { connectWaitMs, unreachable } from "./unreachable.ts";

const differencesShownMax = 200;

/** `--dry-run`: prints what the links would do now. Takes no fence and writes nothing, on either side. */
export async function dryRun(options: {
  links: readonly CompiledLink[];
  deps: LinkDeps;
  output: "text" | "json";
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  signal: AbortSignal;
}): Promise<number> {
  const { links, deps, output, stdout, stderr, signal } = options;
  const reports: SurveyReport[] = [];
  for (const { config, rules } of links) {
    const progress = createProgress({ stream: stderr, link: config.name, clock: deps.clock });
    const open = (side: "source" | "target") =>
      openZooKeeper(config[side], {
        ...deps,
        log: deps.log.child({ link: config.name, side }),
        signal,
        onState() {},
        onWatch() {},
      });
    await using source = open("source");
    await using target = open("target");
    const wait = AbortSignal.any([signal, AbortSignal.timeout(connectWaitMs)]);
    await Promise.all([source.connected({ signal: wait }), target.connected({ signal: wait })]).catch(
      (cause: unknown) => {
        throw signal.aborted ? cause : unreachable(config, (side) => (side === "source" ? source : target).state);
      },
    );
    const ownNodes = { layout: layoutOf(config.name), target, wallTime: deps.clock.wallTime };
    const result = await survey(
      {
        tombstones: config.deletes.mode === "tombstone" ? await readTombstones(ownNodes, signal) : [],
        link: linkOptions(config, rules),
        reader: createReader({ source, target }, deps.clock),
        own: config.acl === "copy" ? presumedIdentities(config.target, deps.credentialsDirectory) : [],
        clock: deps.clock,
        onProgress: progress.show,
      },
      signal,
    );
    progress.end();
    reports.push(reportSurvey(config.name, result));
  }
  if (output === "json") stdout.write(`${JSON.stringify({ links: reports }, null, 2)}\n`);
  else
    for (const report of reports)
      stdout.write(
        renderSurvey(report, { paint: createPaint(stdout.isTTY === true), differencesMax: differencesShownMax }),
      );
  return exitCodes.ok;
}
