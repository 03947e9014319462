import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** A series of a daemon. docs/metrics.md, the alert rules' test and /metrics read one table of these. */
export interface MetricDoc {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
}

export interface Series<Name extends string> {
  set(name: Name, labels: Record<string, string>, value: number): void;
  add(name: Name, labels: Record<string, string>, value: number): void;
  observe(name: Name, labels: Record<string, string>, value: number): void;
  /** Takes one of a gauge's values away: it says nothing right now. */
  unset(name: Name, labels: Record<string, string>): void;
  /** Forgets a gauge's values: what is not set again is not served. */
  clear(name: Name): void;
  /** Prometheus text format. Runs the refreshers first. */
  render(): Promise<string>;
  /** Called before each render, for gauges that are read off a state. */
  onRender(refresh: () => void): void;
  readonly contentType: string;
}

/** Gauges that prom-client names as if they were counters: `promtool check metrics` refuses them. The same by type stay. */
const misnamedDefaults = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/** @param environment label of every series */
export function createSeries<const Docs extends readonly MetricDoc[]>(
  docs: Docs,
  options: { environment: string; bucketsSeconds: readonly number[] },
): Series<Docs[number]["name"]> {
  const registry = new Registry();
  registry.setDefaultLabels({ environment: options.environment });
  collectDefaultMetrics({ register: registry });
  for (const name of misnamedDefaults) registry.removeSingleMetric(name);
  const gauges = new Map<string, Gauge>();
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  for (const { name, type, labels, help } of docs) {
    const common = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === "gauge") gauges.set(name, new Gauge(common));
    else if (type === "counter") counters.set(name, new Counter(common));
    else histograms.set(name, new Histogram({ ...common, buckets: [...options.bucketsSeconds] }));
  }
  const refreshers: (() => void)[] = [];
  return {
    set: (name, labels, value) => gauges.get(name)?.set(labels, value),
    add: (name, labels, value) => counters.get(name)?.inc(labels, value),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    unset: (name, labels) => gauges.get(name)?.remove(labels),
    clear: (name) => gauges.get(name)?.reset(),
    async render() {
      for (const refresh of refreshers) refresh();
      return registry.metrics();
    },
    onRender: (refresh) => void refreshers.push(refresh),
    contentType: registry.contentType,
  };
}
