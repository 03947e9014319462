import { parse } from "yaml";
import { readConfigFile } from "#config/load.ts";
import { exitCodes, messageOf, OperatorError } from "#lib/errors.ts";
import { formatTable } from "#lib/table.ts";
import type { Paint } from "#lib/terminal.ts";
import type { PoliciesReport, PolicyChangeReport } from "../../arbiter/io/api-policies.ts";
import { type Call, noArgs, onlyArg, UsageError, type Verb } from "../call.ts";
import { formatOutput } from "../output.ts";

/** `idcctl policy`: what is promised for which broker sets. It stands in the ledger, so that all sites have the same. */
export const policyNoun: readonly Verb[] = [
  { name: "policy show", args: "", help: "What each broker set's policy is.", run: show },
  {
    name: "policy apply",
    args: "FILE",
    help: "Replace all policies by those of a YAML file; --dry-run: which sets would change, and which are not protected (exit 6). Needs --reason, unless with --dry-run.",
    flags: ["dryRun"],
    reason: "taken",
    run: apply,
  },
];

const policyBytesMax = 262_144;

async function show(call: Call): Promise<number> {
  noArgs(call, "policy show");
  const report = await call.arbiters().get<PoliciesReport>("/v1/policies");
  call.write(formatOutput(report, call.output, policyTable));
  return exitCodes.ok;
}

function policyTable({ policies, sets }: PoliciesReport): string {
  const table = formatTable(
    ["SET", "RPO", "SURVIVE", "MAX LOST", "UNCLEAN", "PREFERS", "RETURNS", "COOL-DOWN", "FROZEN"],
    sets.map(({ name, policy }) => [
      name,
      policy.rpo,
      policy.survive,
      policy.rpo === "bounded" ? `${policy.maxLostBytes} bytes` : "-",
      policy.unclean,
      policy.preferIdcs.join(", ") || "-",
      policy.returnAfterMs === null ? "-" : `after ${policy.returnAfterMs / 1_000} s`,
      `${policy.cooldownMs / 1_000} s`,
      policy.frozen ? "yes" : "no",
    ]),
  );
  const note = policies.length === 0 ? "No policies were applied: every set has the usual one.\n" : "";
  return `${table}${note}`;
}

async function apply(call: Call): Promise<number> {
  const file = onlyArg(call, "policy apply", "a file");
  const { dryRun, reason } = call.flags;
  if (!dryRun && reason === "") throw new UsageError("policy apply needs --reason");
  const policies = readPolicies(file);
  const report = await call
    .arbiters()
    .put<PolicyChangeReport>(
      dryRun ? "/v1/policies?dryRun=1" : "/v1/policies",
      dryRun ? { policies } : { policies, reason },
    );
  call.write(formatOutput(report, call.output, (value) => renderChange(value, call.paint)));
  return report.sets.every(({ protection }) => protection.kept) ? exitCodes.ok : exitCodes.different;
}

function renderChange({ applied, sets }: PolicyChangeReport, paint: Paint): string {
  const lines = sets.flatMap(({ name, changes, protection: { level, promised, kept, why } }) => [
    ...(changes.length === 0 ? [] : [`${name}: ${changes.join(", ")}`]),
    ...(kept ? [] : [paint.red(`${name}: promised ${promised}, protected ${level}: ${why}`)]),
  ]);
  const changed = sets.filter(({ changes }) => changes.length > 0).length;
  const head = applied ? "Applied" : "Would be applied";
  return [`${head}: ${changed} of ${sets.length} broker sets change`, ...lines, ""].join("\n");
}

/** A list, or `policies: [...]`. */
function readPolicies(file: string): unknown[] {
  const hint = "A YAML file with policies: [{ match: C1/*, rpo: zero, survive: idc }]; docs/config.md has the keys";
  let content: unknown;
  try {
    content = parse(new TextDecoder().decode(readConfigFile(file, policyBytesMax)));
  } catch (cause) {
    throw new OperatorError("CTL_POLICY_FILE", `Cannot read the policies in ${file}: ${messageOf(cause)}`, {
      hint,
      cause,
    });
  }
  const list = typeof content === "object" && content !== null && "policies" in content ? content.policies : content;
  if (Array.isArray(list)) return list;
  throw new OperatorError("CTL_POLICY_FILE", `There is no list of policies in ${file}`, { hint });
}
