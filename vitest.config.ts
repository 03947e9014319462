import { defineConfig } from "vitest/config";

const integrationTestMs = 180_000;
/** What judges the runs in the world needs no world itself. */
const judges = "test/{world/{checkers,failover},chaos/**}/*.test.ts";

/** With --full alone: they take minutes, or a good one. */
const long =
  process.env["CROSSIDC_FULL"] === "1"
    ? []
    : [
        "test/world/sdk/**",
        "test/world/recovery/**",
        "test/world/arbiter/{stock-brokers,policies}.test.ts",
        "test/world/run-demo-routing.test.ts",
      ];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{lib,config,replicator,arbiter,idc-router,sdk,cli,scripts}/**/*.test.ts", judges],
          setupFiles: ["test/fixtures/long-draws.ts"],
          testTimeout: 20_000,
        },
      },
      { test: { name: "simulation", include: ["test/simulation/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts", "deploy/**/*.test.ts"],
          testTimeout: integrationTestMs,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "world",
          include: ["test/world/**/*.test.ts"],
          exclude: [judges, ...long],
          testTimeout: integrationTestMs,
          hookTimeout: 60_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
