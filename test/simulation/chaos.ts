import type { NodeData } from "#lib/zookeeper/zookeeper.ts";
import { anyone, foreignAcls, sourceAcls } from "./acls.ts";
import type { Checker } from "./checker.ts";
import { type Model, sourcePaths } from "./model.ts";
import type { Random } from "./random.ts";
import { parentPath, type VirtualOp, type VirtualZooKeeper } from "./virtual-zookeeper.ts";

/** What owners of the source, strangers at the target and servers do to the two trees, at random. */
export interface Chaos {
  /** One change at the source. */
  source(): void;
  /** Everything under the rules goes at once or in many transactions. */
  wipeSource(): void;
  /** One change at the target by somebody else. */
  target(): void;
  /** Everything can be read again. */
  heal(): void;
}

/** Target paths outside of every rule, some of them below one. */
const strangersPaths = ["/other/a", "/t/mine", "/t/one/mine", "/t/deep/p/mine", "/t/deep/p/r/t/mine"] as const;

const foreignSession = 77n;
/** More often than this no node of the link is set in one life. */
const strangeVersion = 30;

export function createChaos(parts: {
  random: Random;
  model: Model;
  source: VirtualZooKeeper;
  target: VirtualZooKeeper;
  checker: Checker;
  nodeBytes: number;
  /** Whether rights to read come and go, and ACLs change: of neither an event tells. */
  withRights: boolean;
}): Chaos {
  const { random, model, source, target, checker, nodeBytes, withRights } = parts;
  const targetPaths = [...model.sourcesByTarget.keys()];
  const { copiesAcls } = model.policies;
  const freshAcl = () => (copiesAcls ? random.pick(sourceAcls) : anyone);
  let lastValue = 0;
  const oncePersistent = new Set<string>();
  target.watch(({ path }) => {
    if (target.nodes.get(path)?.ephemeralOwner === 0n) oncePersistent.add(path);
  });

  const changeSource = (ops: readonly VirtualOp[]): boolean => {
    const applied = source.apply(ops).kind === "applied";
    if (applied) for (const { path } of ops) checker.sourceChanged(path);
    return applied;
  };
  const freshData = (path: string): NodeData => {
    lastValue += 1;
    if (random.chance(0.06)) return null;
    if (random.chance(0.06)) return new Uint8Array();
    if (random.chance(0.04)) return bytesOf(`${lastValue}`.padEnd(nodeBytes + 1, "."));
    if (path.startsWith("/s/pair/") && random.chance(0.4)) return bytesOf("same");
    if (!path.startsWith("/s/cluster/"))
      return bytesOf(`v${lastValue}`.padEnd(random.pick([1, 1, 1, nodeBytes / 2]), "."));
    const name = random.pick(["c1", "c2", "c1", "c2", "c9"]);
    return bytesOf(random.chance(0.1) ? `{${lastValue}` : `{"name":"${name}","n":${lastValue}}`);
  };
  const createWithParents = (path: string, owner: bigint): void => {
    const parent = parentPath(path);
    if (!source.nodes.has(parent)) createWithParents(parent, 0n);
    changeSource([{ kind: "create", path, data: freshData(path), acl: freshAcl(), owner }]);
  };
  const deleteBelow = (path: string): void => {
    const node = source.nodes.get(path);
    if (node === undefined) return;
    for (const name of [...node.children]) deleteBelow(`${path}/${name}`);
    changeSource([{ kind: "delete", path, version: -1 }]);
  };
  const recreate = (path: string): void => {
    changeSource([
      { kind: "delete", path, version: -1 },
      { kind: "create", path, data: freshData(path), acl: freshAcl() },
    ]);
  };
  const setReadable = (store: VirtualZooKeeper, path: string, readable: boolean): void => {
    store.setReadable(path, readable);
    if (store === source) checker.sourceChanged(path);
  };
  const setSourceAcl = (path: string): void => {
    source.setAcl(path, freshAcl(), -1);
    checker.sourceChanged(path);
  };
  const setTargetAcl = (path: string): void => {
    target.setAcl(path, random.pick(foreignAcls), -1);
    checker.aclSetByOthers(path);
  };
  const existing = (store: VirtualZooKeeper, paths: readonly string[]): string | undefined =>
    random.pickAny(paths.filter((path) => store.nodes.has(path)));

  const createAtTarget = (path: string, owner: bigint): void => {
    const parent = parentPath(path);
    if (!target.nodes.has(parent)) createAtTarget(parent, 0n);
    checker.createdByOthers(path);
    target.apply([{ kind: "create", path, data: bytesOf(`foreign${++lastValue}`), acl: anyone, owner }]);
    // A version that the link may know from a node that was there before would let its write through: nothing can tell.
    if (owner === 0n || !oncePersistent.has(path)) return;
    for (let count = 0; count < strangeVersion; count++) target.apply([{ kind: "set", path, data: null, version: -1 }]);
  };
  const deleteAtTarget = (path: string): void => {
    const node = target.nodes.get(path);
    if (node === undefined) return;
    for (const name of [...node.children]) deleteAtTarget(`${path}/${name}`);
    target.apply([{ kind: "delete", path, version: -1 }]);
  };

  return {
    source() {
      const some = existing(source, sourcePaths.slice(1));
      const any = random.pickAny(sourcePaths) ?? "/s";
      const dice = random.next();
      if (copiesAcls && withRights && some !== undefined && random.chance(0.15)) setSourceAcl(some);
      else if (dice < 0.4 || some === undefined) createWithParents(any, random.chance(0.07) ? foreignSession : 0n);
      else if (dice < 0.6) changeSource([{ kind: "set", path: some, data: freshData(some), version: -1 }]);
      else if (dice < 0.65) {
        const same = source.nodes.get(some)?.data ?? null;
        changeSource([{ kind: "set", path: some, data: same, version: -1 }]);
      } else if (dice < 0.83) changeSource([{ kind: "delete", path: some, version: -1 }]);
      else if (dice < 0.89) deleteBelow(some);
      else if (dice < 0.95 || !withRights) recreate(some);
      else setReadable(source, some, source.nodes.get(some)?.readable === false);
    },
    wipeSource() {
      const dice = random.next();
      const root = random.pick(["/s", "/s/data", "/s/pair", "/s/deep", "/z/top"]);
      deleteBelow(root);
      if (dice < 0.3) for (const path of ["/s", "/z"]) deleteBelow(path);
      else if (dice < 0.6) createWithParents(root, 0n);
    },
    target() {
      const path = random.pickAny(targetPaths) ?? "/t/one";
      const some = existing(target, targetPaths);
      const dice = random.next();
      if (copiesAcls && some !== undefined && random.chance(0.2)) setTargetAcl(some);
      else if (dice < 0.15) createAtTarget(path, 0n);
      else if (dice < 0.25) createAtTarget(path, foreignSession);
      else if (dice < 0.35) createAtTarget(random.pick(strangersPaths), 0n);
      else if (some === undefined) return;
      else if (dice < 0.6)
        target.apply([{ kind: "set", path: some, data: bytesOf(`foreign${++lastValue}`), version: -1 }]);
      else if (dice < 0.75) target.apply([{ kind: "delete", path: some, version: -1 }]);
      else if (dice < 0.85) deleteAtTarget(some);
      else if (dice < 0.9) setReadable(target, some, target.nodes.get(some)?.readable === false);
      else for (const [one, node] of [...target.nodes]) if (node.ephemeralOwner !== 0n) deleteAtTarget(one);
    },
    heal() {
      for (const store of [source, target]) for (const path of store.nodes.keys()) setReadable(store, path, true);
    },
  };
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
