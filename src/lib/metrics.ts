import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/**
 * One registry per server, so that two servers in one test process never share a number. Names start with `parlance_`;
 * those of the process itself (CPU, memory, event loop lag) are there from the start.
 */
export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "parlance_", eventLoopMonitoringPrecision: 50 });
  return {
    registry,
    /** Declares a counter; call once per name, keep the result. */
    counter: <L extends string>(name: string, help: string, labelNames: L[] = []) =>
      new Counter<L>({ name: `parlance_${name}`, help, labelNames, registers }),
    /** A gauge that is read when scraped. */
    gauge: (name: string, help: string, read: () => number) =>
      new Gauge({
        name: `parlance_${name}`,
        help,
        registers,
        collect() {
          this.set(read());
        },
      }),
    /** Durations in seconds. */
    histogram: <L extends string>(name: string, help: string, labelNames: L[] = []) =>
      new Histogram<L>({
        name: `parlance_${name}`,
        help,
        labelNames,
        buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
        registers,
      }),
  };
}
