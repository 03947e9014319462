import type { NodeData } from "#lib/zookeeper/zookeeper.ts";
import type { Edit } from "./edits/value.ts";
import type { Pattern } from "./pattern.ts";
import type { Tables } from "./tables.ts";
import type { Template } from "./template.ts";

/** The rules of one link, checked and made ready, and what they say about a path and its data. */
export interface RuleSet {
  /** Of the configuration it was made from: equal configuration, equal hash. 16 hexadecimal digits. */
  readonly hash: string;
  /** Paths below which (and at which) everything lies that may be copied. None lies below another. */
  readonly sourceRoots: readonly string[];
  /** The same for what may be written. */
  readonly targetRoots: readonly string[];
  readonly rules: readonly Rule[];
  readonly tables: Tables;
  readonly unmapped: "error" | "copy" | "skip";
  readonly onBadData: "copy" | "skip" | "stop";
  /** The one path of ours that is carried over like those under the rules: see core/canary.ts. Usually there is none. */
  readonly canary?: { readonly source: string; readonly target: string };
}

export type Rule = IgnoreRule | CopyRule;

interface IgnoreRule {
  readonly action: "ignore";
  /** Its index in the configuration. */
  readonly index: number;
  readonly match: Pattern;
}

export interface CopyRule {
  readonly action: "copy";
  readonly index: number;
  readonly match: Pattern;
  /** `match` as a template: from captures back to the source path. */
  readonly from: Template;
  readonly to: Template;
  /** Every path is copied to itself. */
  readonly keepsPath: boolean;
  readonly edit: Edit | undefined;
}

/** `path` leads to the culprit inside the link: ["rules", 2, "match"]. */
export interface RuleProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly remedy: string;
}

/** A name or an address without a row. */
interface Missing {
  readonly rule: number;
  readonly table: "clusters" | "addresses";
  readonly value: string;
  /** `at` of the edit that met it; undefined: it stands in the path. */
  readonly at: string | undefined;
  /** undefined when the target path itself can't be said. */
  readonly target: string | undefined;
}

export type PathOutcome =
  | { readonly kind: "copy"; readonly rule: number; readonly target: string }
  | { readonly kind: "ignored"; readonly rule: number }
  | { readonly kind: "unruled" }
  /** `unmapped: error`: hold the node back, keep what the target has, report it. */
  | ({ readonly kind: "unmapped" } & Missing)
  /** `unmapped: skip`: leave the node out, count it. */
  | ({ readonly kind: "skipped" } & Missing)
  /** The rule makes a path that ZooKeeper refuses or that is not ours to write: hold the node back, report it. */
  | { readonly kind: "invalidTarget"; readonly rule: number; readonly target: string; readonly message: string };

export type Translation =
  | Exclude<PathOutcome, { kind: "copy" }>
  | {
      readonly kind: "copy";
      readonly rule: number;
      readonly target: string;
      readonly data: NodeData;
      readonly edited: boolean;
      /** Why the data was copied as it is although the rule has edits (`onBadData: copy`). */
      readonly badData?: string;
    }
  | {
      readonly kind: "badData";
      readonly rule: number;
      readonly target: string;
      readonly policy: "skip" | "stop";
      readonly message: string;
    };
