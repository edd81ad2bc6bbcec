import { Chart, type Plot } from "./chart.tsx";

export type ScorePoint = { readonly period: number; readonly score: number; readonly count: number };

/** Mean scores over time: one sound's, against those of all sounds. */
export function ScoreChart({
  name,
  columns,
  points,
  all,
}: {
  name: string;
  columns: readonly string[];
  points: readonly ScorePoint[];
  all: readonly ScorePoint[];
}) {
  const at = (list: readonly ScorePoint[], period: number) => list.find((point) => point.period === period);
  const rows = columns.flatMap((label, period) => {
    const [own, every] = [at(points, period), at(all, period)];
    if (!every) return [];
    return [
      [label, own ? String(Math.round(own.score)) : "–", String(own?.count ?? 0), String(Math.round(every.score))],
    ];
  });
  return (
    <Chart
      caption={name}
      columns={columns}
      top={100}
      unit="mean scores of 100"
      table={{ head: ["From", "This sound", "Times said", "All sounds"], rows }}
      legend={
        <span className="chart-legend hint">
          <span className="chart-key" /> this sound <span className="chart-key chart-key-all" /> all sounds
        </span>
      }
    >
      {(plot) => (
        <>
          <polyline className="chart-line chart-line-all" points={path(all, plot)} />
          <polyline className="chart-line" points={path(points, plot)} />
          {points.map(({ period, score, count }) => (
            <circle key={period} className="chart-dot" cx={plot.x(period)} cy={plot.y(score)} r={4}>
              <title>{`${columns[period]}: ${Math.round(score)} of 100, said ${count} times`}</title>
            </circle>
          ))}
        </>
      )}
    </Chart>
  );
}

function path(points: readonly ScorePoint[], { x, y }: Plot): string {
  return points.map(({ period, score }) => `${x(period)},${y(score)}`).join(" ");
}
