import type { Fault } from "./problems.ts";

/** settled: there is nothing to look up (or what is written is not usable, which the schema says). */
export type SiteName =
  | { readonly kind: "settled" }
  | { readonly kind: "resolved"; readonly site: string }
  | { readonly kind: "failed"; readonly fault: Fault };

const exactlyOne = "name the site with `site`, or with `siteFile` and `siteKey`";

/**
 * The site's name: `site` itself, or read from the machine's own label file.
 * @param readLabels the text of a label file; throws with a reason for people
 */
export function resolveSite(config: object, readLabels: (file: string) => string): SiteName {
  const { site, siteFile, siteKey } = config as Record<string, unknown>;
  if (site !== undefined) {
    const extra = siteFile !== undefined ? "siteFile" : siteKey !== undefined ? "siteKey" : undefined;
    if (extra === undefined) return { kind: "settled" };
    return failed(extra, "stands beside `site`", exactlyOne);
  }
  if (siteFile === undefined && siteKey === undefined) return failed("site", "is missing", exactlyOne);
  if (siteFile === undefined) return failed("siteFile", "is missing beside `siteKey`", exactlyOne);
  if (siteKey === undefined) return failed("siteKey", "is missing beside `siteFile`", exactlyOne);
  if (typeof siteFile !== "string" || typeof siteKey !== "string" || siteFile === "") return { kind: "settled" };
  let labels: string;
  try {
    labels = readLabels(siteFile);
  } catch (error) {
    return failed("siteFile", `cannot be read: ${error instanceof Error ? error.message : String(error)}`, exactlyOne);
  }
  const label = findLabel(labels, siteKey);
  if (label === undefined) return failed("siteKey", `is not in ${siteFile}`, `add a line ${siteKey}=<site> there`);
  return { kind: "resolved", site: label };
}

function failed(key: string, message: string, remedy: string): SiteName {
  return { kind: "failed", fault: { path: [key], message, remedy } };
}

/** Of the last line `key=value` or `key: value`, as Java properties have it; lines with # or ! are comments. */
function findLabel(labels: string, key: string): string | undefined {
  let label: string | undefined;
  for (const line of labels.split(/\r?\n/)) {
    const [, name, value] = /^\s*([^\s#!=:][^\s=:]*)\s*[=:\s]\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === key) label = value;
  }
  return label;
}
