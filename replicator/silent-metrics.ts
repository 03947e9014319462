import type { Metrics } from "./metrics.ts";

/** For runs that nobody scrapes. Prometheus' client takes a good part of a short run's start to load. */
export const silentMetrics: Metrics = {
  set() {},
  add() {},
  observe() {},
  merge() {},
  unset() {},
  render: async () => "",
  clear() {},
  onRender() {},
  contentType: "text/plain",
};
