import { readFile } from "node:fs/promises";
import { inProject } from "../test/integration/harness/project.ts";

/** What docs/operations.md can be linked to with a #: its headings, as GitHub and GitLab name them. */
export async function operationsAnchors(): Promise<ReadonlySet<string>> {
  const page = await readFile(inProject("docs/operations.md"), "utf8");
  const text = page.replaceAll(/^```.*?^```$/gms, "");
  return new Set([...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading)));
}

export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}
