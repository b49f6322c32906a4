/** What one scrape gathers: gauges and counters with the values of now, made anew each time. */
import { Counter, Gauge, Registry } from "prom-client";

export type Labels = Readonly<Record<string, string>>;

export const metricFormats = {
  openMetrics: Registry.OPENMETRICS_CONTENT_TYPE,
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
} as const;
export type MetricFormat = keyof typeof metricFormats;

export class MetricSet {
  readonly #registry: Registry;
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();

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

  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}
