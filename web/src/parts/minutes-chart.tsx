import { counted } from "../words.ts";
import { Chart } from "./chart.tsx";

/** Minutes practised in each period, as bars. */
export function MinutesChart({
  periods,
}: {
  periods: readonly { label: string; minutes: number; attempts: number }[];
}) {
  const top = niceTop(Math.max(...periods.map(({ minutes }) => minutes)));
  return (
    <Chart
      caption="Minutes spoken"
      columns={periods.map(({ label }) => label)}
      top={top}
      unit="minutes, readings"
      table={{
        head: ["From", "Minutes", "Readings"],
        rows: periods.map(({ label, minutes, attempts }) => [label, minutes.toFixed(1), String(attempts)]),
      }}
    >
      {({ x, y, column }) =>
        periods.map(({ label, minutes, attempts }, i) => {
          const width = Math.max(2, Math.min(28, column - 3));
          // A short practice shows too.
          const height = minutes === 0 ? 0 : Math.max(3, y(0) - y(minutes));
          return (
            <rect
              key={label}
              className="chart-bar"
              x={x(i) - width / 2}
              y={y(0) - height}
              width={width}
              height={height}
              rx={3}
            >
              <title>{`${label}: ${minutes.toFixed(1)} min, ${counted(attempts, "reading")}`}</title>
            </rect>
          );
        })
      }
    </Chart>
  );
}

/** The next of 0.5, 1, 2, 5, 10, 20 … */
function niceTop(value: number): number {
  const ten = 10 ** Math.floor(Math.log10(Math.max(value, 0.5)));
  return [1, 2, 5, 10].map((factor) => factor * ten).find((each) => each >= value) ?? 10 * ten;
}
