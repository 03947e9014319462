import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import type { Acl, NodeData, WriteOp, Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { Overwritten } from "../../replicator/core/drift.ts";
import { defaultLimits } from "../../replicator/core/limits.ts";
import { createAclChecker } from "./acl-checker.ts";
import { createChecker } from "./checker.ts";
import { createModel } from "./model.ts";
import { createOrderChecker } from "./order-checker.ts";
import { createOthers } from "./others.ts";
import type { Spy } from "./replica.ts";
import { run } from "./run.ts";
import { createVirtualZooKeeper, type VirtualOp } from "./virtual-zookeeper.ts";

/** Checkers that never complain show nothing: here each of them meets what it is there for. */

/** Of so many lives one at least must show a fault that all of them have. */
const livesMax = 60;

const acl: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];
const bytes = (text: string) => new TextEncoder().encode(text);

function expectComplaint(complaint: RegExp, sabotage: () => Partial<Spy>): void {
  const others: (string | undefined)[] = [];
  for (let seed = 1; seed <= livesMax; seed++) {
    try {
      run(seed, { sabotage: sabotage() });
    } catch (error) {
      const [message] = String(error).split("\n");
      if (message !== undefined && complaint.test(message)) return;
      others.push(message);
    }
  }
  expect.fail(`None of ${livesMax} lives shows ${complaint}, but: ${others.join("\n")}`);
}

describe("in a whole life, a checker notices", () => {
  test("an older value written over a newer one", () => {
    const writeFirstValueAgain = (): Partial<Spy> => {
      const first = new Map<string, NodeData>();
      let changed: string | undefined;
      return {
        tamper(ops) {
          const late = changed;
          changed = ops.find((op) => op.kind === "set" && first.has(op.path))?.path;
          for (const op of ops) if (op.kind === "create") first.set(op.path, op.data);
          if (late === undefined || ops.some(({ path }) => path === late)) return ops;
          return [...ops, { kind: "set", path: late, data: first.get(late) ?? null, version: -1 }];
        },
      };
    };
    expectComplaint(/I7: set .* since the last write the source said/, writeFirstValueAgain);
  });

  test("a lost event that no reconnect heals", () => {
    const loseLater = (): Partial<Spy> => {
      let count = 0;
      return { losesEvent: () => ++count > 10 };
    };
    expectComplaint(/has .* in the target, the source wants/, loseLater);
  });

  test("a delete that the source knows nothing of", () => {
    const deleteAgain = (): Partial<Spy> => {
      const created: string[] = [];
      return {
        tamper(ops) {
          const path = created.shift();
          created.push(...ops.filter(({ kind }) => kind === "create").map((op) => op.path));
          return path === undefined ? ops : [...ops, { kind: "delete", path, version: -1 }];
        },
      };
    };
    expectComplaint(/I7: delete .* \(absent\), but since the last write the source said/, deleteAgain);
  });

  test("a node made open to more people than at the source", () => {
    const openAll = (): Partial<Spy> => ({
      tamper: (ops) => ops.map((op) => (op.kind === "create" ? { ...op, acl } : op)),
    });
    expectComplaint(/create .* with an ACL it never had/, openAll);
  });

  test("an equal node written again", () => {
    const setAgain = (): Partial<Spy> => {
      let last: WriteOp | undefined;
      return {
        tamper(ops) {
          const again = last;
          last = ops.find(({ kind }) => kind === "create");
          if (again?.kind !== "create" || ops.some(({ path }) => path === again.path)) return ops;
          return [...ops, { kind: "set", path: again.path, data: again.data, version: -1 }];
        },
      };
    };
    expectComplaint(/set .*, which it was already/, setAgain);
  });

  test("a write outside of the rules", () => {
    const strange = (): Partial<Spy> => {
      let count = 0;
      const op = (): WriteOp => ({ kind: "create", path: `/strange${++count}`, data: null, acl });
      return { tamper: (ops) => [...ops, op()] };
    };
    expectComplaint(/I7: create \/strange\d+, where no rule leads to/, strange);
  });
});

describe("the checker of values", () => {
  const world = (nodes: readonly string[]) => {
    const source = createVirtualZooKeeper();
    const target = createVirtualZooKeeper();
    const clock = { now: 0 };
    const model = createModel({ unmapped: "error", onBadData: "skip", copiesAcls: false });
    const create = (store: typeof source, path: string): void =>
      void store.apply([{ kind: "create", path, data: bytes("1"), acl }]);
    for (const path of ["/s", "/s/data", ...nodes.map((name) => `/s/data/${name}`)]) create(source, path);
    for (const path of ["/t", "/t/data", ...nodes.map((name) => `/t/data/${name}`)]) create(target, path);
    const deletes = { mode: "mirror", maxDeletes: 10, maxDeleteRatio: 0.4, windowMs: 60_000 } as const;
    const checker = createChecker({ model, source, target, deletes, now: () => clock.now as Instant });
    const atSource = (op: VirtualOp): void => {
      source.apply([op]);
      checker.sourceChanged(op.path);
    };
    const write = (...ops: WriteOp[]): void => {
      const applied = checker.applying(1, ops, []);
      applied(target.apply(ops).kind === "applied");
    };
    const goAt = (name: string): void => {
      atSource({ kind: "delete", path: `/s/data/${name}`, version: -1 });
      write({ kind: "delete", path: `/t/data/${name}`, version: -1 });
    };
    return { source, checker, clock, atSource, write, goAt };
  };

  test("allows as many deletes in a window as the ratio says, and no more", () => {
    const { goAt } = world(["a", "b", "a/a", "a/b", "b/b"]);
    goAt("a/a");
    expect(() => goAt("a/b")).not.toThrow();
    expect(() => goAt("b/b")).toThrow(/number 3 of its window, of 5 nodes 2 may go/);
  });

  test("starts anew with the next window", () => {
    const { goAt, clock } = world(["a", "b", "a/a", "a/b", "b/b"]);
    goAt("a/a");
    goAt("a/b");
    clock.now = 130_000;
    expect(() => goAt("b/b")).not.toThrow();
  });

  test("does not count what an operator has accepted", () => {
    const { goAt, checker, source } = world(["a", "b", "a/a", "a/b", "b/b"]);
    goAt("a/a");
    goAt("a/b");
    source.apply([{ kind: "delete", path: "/s/data/b/b", version: -1 }]);
    checker.sourceChanged("/s/data/b/b");
    checker.accepted(1, ["/t/data/b/b"]);
    expect(() => goAt("b/b")).not.toThrow();
  });

  test("takes a node that cannot be read for there", () => {
    const { source, checker, write } = world(["a", "b"]);
    source.setReadable("/s/data/a", false);
    checker.sourceChanged("/s/data/a");
    expect(() => write({ kind: "delete", path: "/t/data/a", version: -1 })).toThrow(/I7: delete/);
  });

  test("lets a value be written once the source has had it, not before", () => {
    const { atSource, write } = world(["a"]);
    const set = (text: string) => write({ kind: "set", path: "/t/data/a", data: bytes(text), version: -1 });
    expect(() => set("2")).toThrow(/I7: set/);
    atSource({ kind: "set", path: "/s/data/a", data: bytes("3"), version: -1 });
    expect(() => set("3")).not.toThrow();
    expect(() => set("1")).toThrow(/I7: set/);
  });
});

describe("the checker of others' nodes complains about", () => {
  const world = () => {
    const [source, target] = [createVirtualZooKeeper(), createVirtualZooKeeper()];
    const model = createModel({ unmapped: "error", onBadData: "skip", copiesAcls: false });
    const others = createOthers({ model, source, target, keepsDeletes: false });
    const create = (store: typeof source, path: string, text: string): void =>
      void store.apply([{ kind: "create", path, data: bytes(text), acl }]);
    for (const path of ["/t", "/t/data"]) create(target, path, "");
    for (const path of ["/s", "/s/data", "/s/data/a"]) create(source, path, "ours");
    create(target, "/t/data/a", "theirs");
    const overwrite = (...journal: Overwritten[]): void => {
      const op = { kind: "set", path: "/t/data/a", data: bytes("ours"), version: 0 } as const;
      const kept = others.overwriting([op], journal);
      target.apply([op]);
      kept();
    };
    const entry = (text: string, version = 0): Overwritten => ({
      ...{ path: "/t/data/a", kind: "created", mzxid: target.zxid, version },
      data: bytes(text),
    });
    return { others, overwrite, entry, mark: 0n as Zxid };
  };

  test("bytes that are overwritten and not in the journal, or others than those", () => {
    expect(() => world().overwrite()).toThrow("not in the journal");
    const { overwrite, entry } = world();
    expect(() => overwrite(entry("others"))).toThrow("not in the journal");
    const again = world();
    expect(() => again.overwrite(again.entry("theirs", 1))).toThrow("not in the journal");
    const right = world();
    expect(() => right.overwrite(right.entry("theirs"))).not.toThrow();
  });

  test("what was written while nobody watched and is overwritten without the operator's word", () => {
    const claim = { afresh: true, unwatched: true };
    const { others, overwrite, entry, mark } = world();
    others.claimed({ ...claim, mark });
    expect(() => overwrite(entry("theirs"))).toThrow("written by others while nobody watched");
    const told = world();
    told.others.claimed({ ...claim, mark });
    told.others.sourceWins();
    expect(() => told.overwrite(told.entry("theirs"))).not.toThrow();
    expect(() => told.overwrite()).not.toThrow();
  });
});

describe("the checker of orders complains about", () => {
  const limits = { ...defaultLimits, writesInFlight: 2, opsPerWrite: 2, bytesPerWrite: 20 };
  const following = () => {
    const orders = createOrderChecker(limits);
    const enter = (to: "following" | "stopped" | "comparing"): void =>
      orders.commanded({ kind: "note", note: { kind: "phase", from: "comparing", to, why: "" } });
    let id = 0;
    const fence = { epoch: 1n, name: "e-1" };
    const brake = { engaged: undefined, deletes: [] };
    const checkpoint = { fence, sourceZxid: 0n as never, rules: "", brake, witnesses: [], sourceWins: undefined };
    const write = (...ops: WriteOp[]): void =>
      orders.commanded({ kind: "write", id: ++id, ops, journal: [], checkpoint });
    enter("following");
    return { enter, write, orders };
  };
  const set = (path: string): WriteOp => ({ kind: "set", path, data: null, version: 0 });
  const create = (path: string, text = ""): WriteOp => ({ kind: "create", path, data: bytes(text), acl });
  const remove = (path: string): WriteOp => ({ kind: "delete", path, version: 0 });

  test("a write after the link has stopped, or before it follows", () => {
    for (const phase of ["stopped", "comparing"] as const) {
      const { enter, write } = following();
      enter(phase);
      expect(() => write(set("/a"))).toThrow(`writes while it is ${phase}`);
    }
  });

  test.each([
    ["the same path", set("/a/b"), set("/a/b")],
    ["a parent and then its child", set("/a"), create("/a/b")],
    ["a child and then its parent", remove("/a/b"), remove("/a")],
  ])("two writes in flight on %s", (_, first, second) => {
    const { write, orders } = following();
    write(first);
    expect(() => write(second)).toThrow("are in flight together");
    orders.answered(undefined);
    expect(() => write(second)).not.toThrow();
  });

  test("more than a limit allows", () => {
    const { write } = following();
    expect(() => write(set("/a"), set("/b"), set("/c"))).toThrow("3 operations");
    expect(() => write(create("/a", "0123456789"), create("/b", "0123456789"))).toThrow("24 bytes");
    expect(() => write(create("/a", "01234567890123456789"))).not.toThrow();
    write(set("/b"));
    expect(() => write(set("/c"))).toThrow("3 writes in flight");
  });
});

describe("of ACLs, a checker notices", () => {
  const guarded: readonly Acl[] = [{ perms: 31, scheme: "digest", id: "app:h" }];
  const set: WriteOp = { kind: "set", path: "/t/one", data: bytes("secret"), version: 0 };
  const checker = () => {
    const checks = createAclChecker();
    checks.wanted("/t/one", { kind: "present", data: bytes("open"), acl });
    checks.wanted("/t/one", { kind: "present", data: bytes("secret"), acl: guarded });
    return checks;
  };

  test("data that come before the rights are taken away", () => {
    expect(() => checker().check(set, acl)).toThrow("too open an ACL: world:anyone:31");
    expect(() => checker().check(set, guarded)).not.toThrow();
  });

  test("an ACL that the source never had, and one that was there already", () => {
    expect(() => checker().set("/t/one", acl, [])).toThrow("what the source never had");
    expect(() => checker().set("/t/one", acl, acl)).toThrow("to what it was");
    expect(() => checker().set("/t/one", acl, guarded)).not.toThrow();
  });

  test("nothing where somebody else has set the ACL", () => {
    const checks = checker();
    checks.setByOthers("/t/one");
    expect(() => checks.check(set, acl)).not.toThrow();
  });
});
