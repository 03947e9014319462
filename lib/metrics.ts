import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** A series of a daemon. docs/metrics.md, the alert rules' test and /metrics read one table of these. */
export interface MetricDoc {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
  /** Of a histogram that others count into, see `merge`; without them it is observed here, by the daemon's usual ones. */
  readonly buckets?: readonly number[];
}

export interface Series<Name extends string> {
  set(name: Name, labels: Record<string, string>, value: number): void;
  add(name: Name, labels: Record<string, string>, value: number): void;
  observe(name: Name, labels: Record<string, string>, value: number): void;
  /** Adds what somebody else has counted by the histogram's own buckets. @param counts of each bucket alone, the last is beyond all */
  merge(name: Name, labels: Record<string, string>, tally: { counts: readonly number[]; sum: number }): void;
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
  const merged = new Map<string, MergedHistogram>();
  for (const { name, type, labels, help, buckets } of docs as readonly MetricDoc[]) {
    const common = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === "gauge") gauges.set(name, new Gauge(common));
    else if (type === "counter") counters.set(name, new Counter(common));
    else if (buckets !== undefined) merged.set(name, createMergedHistogram(registry, { name, help, buckets }));
    else histograms.set(name, new Histogram({ ...common, buckets: [...options.bucketsSeconds] }));
  }
  const refreshers: (() => void)[] = [];
  return {
    set: (name, labels, value) => gauges.get(name)?.set(labels, value),
    add: (name, labels, value) => counters.get(name)?.inc(labels, value),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    merge: (name, labels, tally) => merged.get(name)?.merge(labels, tally),
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

interface MergedHistogram {
  merge(labels: Record<string, string>, tally: { counts: readonly number[]; sum: number }): void;
}

/** prom-client's own histograms take one value after the other. */
function createMergedHistogram(
  registry: Registry,
  { name, help, buckets }: { readonly name: string; readonly help: string; readonly buckets: readonly number[] },
): MergedHistogram {
  const byLabels = new Map<string, { labels: Record<string, string>; counts: number[]; sum: number }>();
  const get = async () => ({ name, help, type: "histogram", aggregator: "sum", values: values() });

  function values(): { metricName: string; labels: Record<string, string | number>; value: number }[] {
    return [...byLabels.values()].flatMap(({ labels, counts, sum }) => {
      let upTo = 0;
      const ofBuckets = counts.map((count, nth) => {
        upTo += count;
        return { metricName: `${name}_bucket`, labels: { le: buckets[nth] ?? "+Inf", ...labels }, value: upTo };
      });
      return [
        ...ofBuckets,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: upTo },
      ];
    });
  }

  // Whatever has a name and a get() is rendered.
  registry.registerMetric({ name, get } as unknown as Gauge);
  return {
    merge(labels, { counts, sum }) {
      const key = JSON.stringify(labels);
      const known = byLabels.get(key) ?? {
        labels,
        counts: Array.from({ length: buckets.length + 1 }, () => 0),
        sum: 0,
      };
      byLabels.set(key, known);
      for (const [nth, count] of counts.entries())
        if (nth < known.counts.length) known.counts[nth] = (known.counts[nth] ?? 0) + count;
      known.sum += sum;
    },
  };
}
