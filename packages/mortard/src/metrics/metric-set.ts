/** What one scrape gathers: gauges and counters with the values of now, made anew each time. */
import { Counter, Gauge, Registry } from "prom-client";

export type Labels = Readonly<Record<string, string>>;

export const metricFormats = {
  openMetrics: Registry.OPENMETRICS_CONTENT_TYPE,
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
} as const;
export type MetricFormat = keyof typeof metricFormats;

export interface Distribution {
  /** How many were at most so large, by growing bounds. */
  readonly upTo: readonly { readonly bound: number; readonly count: number }[];
  readonly count: number;
  readonly sum: number;
}

/** Buckets that somebody else has counted: what the library has counts by itself. */
class CountedHistogram {
  readonly type = "histogram";
  readonly name: string;
  readonly help: string;
  readonly #values: { readonly metricName: string; readonly labels: Labels; readonly value: number }[] = [];

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  add({ upTo, count, sum }: Distribution, labels: Labels): void {
    const metricName = `${this.name}_bucket`;
    for (const { bound, count: value } of upTo) {
      this.#values.push({ metricName, labels: { ...labels, le: String(bound) }, value });
    }
    this.#values.push(
      { metricName, labels: { ...labels, le: "+Inf" }, value: count },
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: count },
    );
  }

  get() {
    return { name: this.name, help: this.help, type: this.type, values: this.#values };
  }
}

export class MetricSet {
  readonly #registry: Registry;
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, CountedHistogram>();

  constructor(format: MetricFormat) {
    // The type has only one of the two formats that the class knows.
    this.#registry = new Registry();
    this.#registry.setContentType(metricFormats[format] as typeof Registry.PROMETHEUS_CONTENT_TYPE);
  }

  /** Figures that are not known are left out. */
  gauge(name: string, help: string, value: number | undefined, labels: Labels = {}): void {
    if (value === undefined || !Number.isFinite(value)) return;
    let gauge = this.#gauges.get(name);
    if (gauge === undefined) {
      const registers = [this.#registry];
      gauge = new Gauge({ name, help, labelNames: Object.keys(labels), registers });
      this.#gauges.set(name, gauge);
    }
    gauge.set(labels, value);
  }

  /** `name` ends in `_total`. */
  counter(name: string, help: string, value: number | undefined, labels: Labels = {}): void {
    if (value === undefined || !Number.isFinite(value)) return;
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      const registers = [this.#registry];
      counter = new Counter({ name, help, labelNames: Object.keys(labels), registers });
      this.#counters.set(name, counter);
    }
    counter.inc(labels, value);
  }

  histogram(name: string, help: string, of: Distribution, labels: Labels): void {
    let histogram = this.#histograms.get(name);
    if (histogram === undefined) {
      histogram = new CountedHistogram(name, help);
      this.#histograms.set(name, histogram);
      this.#registry.registerMetric(histogram as unknown as Gauge);
    }
    histogram.add(of, labels);
  }

  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}
