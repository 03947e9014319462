import { describe, expect, test } from "vitest";
import { metricsPage } from "./docs/metrics-page.ts";
import { differingPages, generatePages } from "./docs/pages.ts";
import { statesPage } from "./docs/states-page.ts";

test("the pages on disk are those that the code gives (npm run docs)", () => {
  expect(differingPages(generatePages())).toEqual([]);
});

describe("the metrics page", () => {
  test("has a row for each series, safe for a table", () => {
    const metrics = [
      { name: "idc_x_lag_seconds", type: "histogram", unit: "s", labels: ["link", "side"], help: "a | b <c>" },
    ];
    expect(
      metricsPage([{ daemon: "replicator", metrics }])
        .split("\n")
        .at(-2),
    ).toBe("| `idc_x_lag_seconds` | histogram | s | `link`, `side` | a \\| b &lt;c> |");
  });
});

describe("the states page", () => {
  test("draws each transition, the first state and the final ones", () => {
    const transitions = [
      { from: "a", on: "go", to: "b", why: "It went" },
      { from: "b", on: "end", to: "c", why: "It ended" },
    ];
    const page = statesPage([{ title: "T", source: "x.ts", transitions }]);
    expect(page).toContain("  [*] --> a\n  a --> b: go\n  b --> c: end\n  c --> [*]\n");
    expect(page).toContain("| `a` | `go` | `b` | It went |");
    expect(page).not.toContain("stays");
  });

  test("says why a trigger moves nothing where it has no row", () => {
    const transitions = [{ from: "a", on: "go", to: "b", why: "It went" }];
    const page = statesPage([{ title: "T", source: "x.ts", transitions, stays: { go: "It is there | already" } }]);
    expect(page).toContain("it stays:\n\n| on | why |\n| --- | --- |\n| `go` | It is there \\| already |\n");
  });
});
