import { clusterTable } from "./link-file.ts";
import type { NodeImage, Tree } from "./snapshot.ts";

/**
 * What the rules of link-file.ts mean, said a second time and in another way: by hand, for these rules and for simple
 * `key=value` lines only. Shares nothing with replicator/.
 */

/** held: a cluster or an address has no row, so the target keeps what it has. */
export type Wanted = { readonly kind: "data"; readonly data: Buffer | null } | { readonly kind: "held" };

/** Where a source node goes; undefined: nowhere (no rule, ignored, or its cluster has no row). */
export function targetPathOf(source: string): string | undefined {
  const [, first, second, third, ...rest] = source.split("/");
  if (first === "app" && second !== undefined) return `/mirror${source}`;
  if (first !== "zms" || third === undefined || rest.length > 0 || second === "host") return undefined;
  if (second !== "cluster") return source;
  const cluster = clusterTable[third];
  return cluster === undefined ? undefined : `/zms/cluster/${cluster.to}`;
}

/** Whether the link may write this target path. */
export function isCovered(target: string): boolean {
  if (target.startsWith("/mirror/app/")) return true;
  const [, first, second, third, ...rest] = target.split("/");
  if (first !== "zms" || third === undefined || rest.length > 0 || second === "host") return false;
  return second !== "cluster" || Object.values(clusterTable).some(({ to }) => to === third);
}

/** The bytes that a source node's target must have. */
export function wantedData(source: string, data: Buffer | null): Wanted {
  if (data === null || source.startsWith("/app/")) return { kind: "data", data };
  const isCluster = source.startsWith("/zms/cluster/");
  const keys = isCluster ? ["bootAddr", "serverIps"] : ["clusterName", "gatedCluster"];
  const table = new Map<string, string>();
  for (const [name, { to, addresses }] of Object.entries(clusterTable)) {
    if (isCluster) for (const [from, there] of Object.entries(addresses)) table.set(from, there);
    else table.set(name, to);
  }
  // One byte a character, so that bytes which are no text come out as they went in.
  const lines = data.toString("latin1").split("\n");
  for (const [index, line] of lines.entries()) {
    const equals = line.indexOf("=");
    if (equals < 0 || !keys.includes(line.slice(0, equals))) continue;
    const elements = line
      .slice(equals + 1)
      .split(";")
      .map((element) => (element === "" ? "" : table.get(element)));
    if (elements.includes(undefined)) return { kind: "held" };
    lines[index] = `${line.slice(0, equals + 1)}${elements.join(";")}`;
  }
  return { kind: "data", data: Buffer.from(lines.join("\n"), "latin1") };
}

/** What must stand under the rules in the target, by path. Two sources for one path leave it held. */
function expectedTarget(source: Tree): ReadonlyMap<string, Wanted> {
  const expected = new Map<string, Wanted>();
  for (const [path, { data, ephemeral }] of source) {
    const target = targetPathOf(path);
    if (target === undefined || ephemeral) continue;
    expected.set(target, expected.has(target) ? { kind: "held" } : wantedData(path, data));
  }
  return expected;
}

/**
 * Everything that is not as it must be, as sentences; none when all is well.
 * @param trees.before the target before the replicator first ran: outside the rules it must still be so, to the version
 */
export function differences(trees: { source: Tree; target: Tree; before: Tree }): string[] {
  const { source, target, before } = trees;
  const expected = expectedTarget(source);
  const found: string[] = [];
  for (const [path, wanted] of expected) {
    if (wanted.kind === "held") continue;
    const image = target.get(path);
    if (image === undefined) found.push(`${path} is missing`);
    else if (!sameData(image.data, wanted.data))
      found.push(`${path} has ${show(image.data)} in place of ${show(wanted.data)}`);
  }
  for (const [path, image] of target) {
    if (isCovered(path)) {
      if (!expected.has(path) && !image.ephemeral) found.push(`${path} is there, though the source has nothing for it`);
    } else if (!isOwn(path)) {
      const old = before.get(path);
      if (old !== undefined && !sameImage(old, image)) found.push(`${path}, which no rule covers, was touched`);
      if (old === undefined && !isPassage(path, image, expected))
        found.push(`${path}, which no rule covers, was created`);
    }
  }
  for (const path of before.keys()) {
    if (!isCovered(path) && !isOwn(path) && !target.has(path)) found.push(`${path}, which no rule covers, is gone`);
  }
  return found;
}

function sameImage(one: NodeImage, other: NodeImage): boolean {
  return (
    sameData(one.data, other.data) &&
    one.version === other.version &&
    one.aversion === other.aversion &&
    one.czxid === other.czxid &&
    one.mzxid === other.mzxid
  );
}

/** Written by the server for itself, or by the replicator for its fence. */
function isOwn(path: string): boolean {
  return /^\/(zookeeper|crossidc)(\/|$)/.test(path);
}

/** An empty node that had to be made, because something below it is or was wanted. */
function isPassage(path: string, { data, version }: NodeImage, expected: ReadonlyMap<string, Wanted>): boolean {
  if (data !== null || version !== 0) return false;
  return ["/zms", "/zms/topic", "/zms/consumergroup", "/zms/cluster", "/mirror", "/mirror/app"].includes(path)
    ? true
    : [...expected.keys()].some((one) => one.startsWith(`${path}/`));
}

function sameData(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other);
}

function show(data: Buffer | null): string {
  return data === null ? "null" : JSON.stringify(data.toString("latin1"));
}
