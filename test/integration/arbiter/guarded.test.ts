import { expect, test } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { arbiterPassword, startGuardedEtcd } from "./guarded-etcd.ts";
import { sites, startArbiters } from "./processes.ts";

const withinMs = 30_000;
const testMsMax = 120_000;
const wrongPassword = "a:guess";

test(
  "arbiters over an etcd with certificates and users begin, vote and show themselves; no secret is in what they say",
  async () => {
    await using guarded = await startGuardedEtcd("/crossidc/prod/");
    await using arbiters = await startArbiters([], { etcd: await guarded.configWith(arbiterPassword) });
    await eventually(
      async () => expect(await arbiters.idcctl(["init", "--sites", sites.join(",")])).toMatchObject({ code: 0 }),
      { withinMs },
    );
    await eventually(
      async () => {
        const { code, stdout } = await arbiters.idcctl(["status", "-o", "json"]);
        expect(code, stdout).toBe(0);
        for (const site of sites) expect(stdout).toContain(`"${site}"`);
      },
      { withinMs },
    );
    await expectSecretsKept(arbiters, arbiterPassword);
  },
  testMsMax,
);

test(
  "with a wrong password they stay up, have no quorum, and name the file to look at, not with each attempt",
  async () => {
    await using guarded = await startGuardedEtcd("/crossidc/prod/");
    const etcd = await guarded.configWith(wrongPassword);
    await using arbiters = await startArbiters([], { etcd });
    await eventually(
      () => {
        for (const site of sites) expect(arbiters.of[site].process.output()).toContain("Check etcd.userFile");
      },
      { withinMs },
    );
    const { code } = await arbiters.idcctl(["init", "--sites", sites.join(",")]);
    expect(code).toBe(4);
    for (const site of sites) {
      const said = arbiters.of[site].process.output().match(/ledger is followed anew/g) ?? [];
      expect(said.length).toBeLessThanOrEqual(3);
    }
    await expectSecretsKept(arbiters, wrongPassword);
  },
  testMsMax,
);

/** In logs and in metrics. */
async function expectSecretsKept({ of }: Awaited<ReturnType<typeof startArbiters>>, password: string): Promise<void> {
  for (const site of sites) {
    const { endpoint, process } = of[site];
    const metrics = await (await fetch(`${endpoint}/metrics`)).text();
    expect(metrics).toContain("idc_arbiter_");
    for (const said of [process.output(), metrics]) expect(said).not.toContain(password);
  }
}
