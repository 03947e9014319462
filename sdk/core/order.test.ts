import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hear } from "./order.ts";
import { type Route, readRoute } from "./route.ts";

interface Said {
  readonly router: string;
  readonly revision: number;
  readonly source: string | null;
  readonly zxid: number;
  readonly cluster: string;
  readonly epoch: number | null;
}

function route({ router, revision, source, zxid, cluster, epoch }: Partial<Said>): Route {
  const read = readRoute({
    topic: "orders",
    cluster: cluster ?? "C1",
    kind: "rocketmq",
    brokers: [{ set: "bs1", idc: "idc1", epoch: epoch ?? null, master: "m:1", weight: 10_000 }],
    bootstrap: [],
    revision: revision ?? 1,
    router: router ?? "r1",
    metadata: source === null || source === undefined ? null : { source, zxid: String(zxid ?? 0) },
  });
  if (typeof read === "string") throw new Error(read);
  return read;
}

describe("a route that is heard", () => {
  test("is the first one when nothing is known", () => {
    expect(hear(undefined, route({})).verdict).toBe("first");
  });

  test("is older with a lower revision of the same router, and not with that of another one", () => {
    const known = route({ router: "r1", revision: 5 });
    expect(hear(known, route({ router: "r1", revision: 4, cluster: "C2" }))).toEqual({
      verdict: "older",
      route: known,
    });
    expect(hear(known, route({ router: "r2", revision: 4, cluster: "C2" })).verdict).toBe("newer");
  });

  test("is older with a lower zxid of the same ensemble, whichever router says it", () => {
    const known = route({ source: "zk1", zxid: 9 });
    expect(hear(known, route({ router: "r2", source: "zk1", zxid: 8, cluster: "C2" })).verdict).toBe("older");
    expect(hear(known, route({ router: "r2", source: "zk2", zxid: 8, cluster: "C2" })).verdict).toBe("newer");
  });

  test("is older with a lower epoch of a broker set, also after the set was out of sight", () => {
    const known = route({ epoch: 7 });
    expect(hear(known, route({ router: "r2", epoch: 6 })).verdict).toBe("older");
    const elsewhere = hear(known, route({ router: "r2", cluster: "C2", epoch: 1 })).route;
    expect(elsewhere.cluster).toBe("C2");
    expect(hear(elsewhere, route({ router: "r3", epoch: 6 })).verdict).toBe("older");
  });

  test("that says the same is no news, and what it rests on counts from then on", () => {
    const known = route({ source: "zk1", zxid: 3 });
    const same = hear(known, route({ source: "zk1", zxid: 8, revision: 2 }));
    expect(same.verdict).toBe("same");
    expect(hear(same.route, route({ source: "zk1", zxid: 5, revision: 3, cluster: "C2" })).verdict).toBe("older");
  });
});

const said = fc.record({
  router: fc.constantFrom("r1", "r2"),
  revision: fc.nat(6),
  source: fc.constantFrom("zk1", "zk2", null),
  zxid: fc.nat(6),
  cluster: fc.constantFrom("C1", "C2"),
  epoch: fc.option(fc.nat(6)),
});

test("whatever is heard in whatever order: nothing that can be compared goes back", () => {
  fc.assert(
    fc.property(fc.array(said, { maxLength: 30 }), (all) => {
      let known: Route | undefined;
      for (const each of all) {
        const before = known?.order;
        known = hear(known, route(each)).route;
        const { order } = known;
        for (const [set, epoch] of before?.epochs ?? []) expect(order.epochs.get(set)).toBeGreaterThanOrEqual(epoch);
        if (before?.router === order.router) expect(order.revision).toBeGreaterThanOrEqual(before.revision);
        if (before?.metadata != null) {
          expect(order.metadata).not.toBeNull();
          if (order.metadata?.source === before.metadata.source)
            expect(order.metadata.zxid).toBeGreaterThanOrEqual(before.metadata.zxid);
        }
      }
    }),
  );
});

test("routers that tell one history, each from where it is in it: the client ends where the one that is ahead is", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("r1", "r2"), { minLength: 1, maxLength: 40 }), (turns) => {
      const at: Record<string, number> = { r1: 0, r2: 0 };
      let known: Route | undefined;
      for (const router of turns) {
        const zxid = (at[router] ?? 0) + 1;
        at[router] = zxid;
        known = hear(known, route({ router, revision: zxid, source: "zk1", zxid, cluster: `C${zxid}` })).route;
        expect(known.cluster).toBe(`C${Math.max(...Object.values(at))}`);
      }
    }),
  );
});
