import { type ReactNode, useRef } from "react";
import { useWidth } from "../use-width.ts";

export const CHART_HEIGHT = 168;
const TOP = 10;
const BOTTOM = 24;
/** Room for the figures of the axis. */
const LEFT = 34;
const RIGHT = 10;
/** The narrowest that two dates stand beside each other. */
const LABEL_PX = 84;

/** Where a chart draws: from data to CSS pixels. */
export type Plot = {
  /** The middle of column `i`. */
  x: (i: number) => number;
  /** Width of a column. */
  column: number;
  y: (value: number) => number;
};

/**
 * The frame of a chart: caption, axes, and the same figures as a table for those who can't see it or want to know exactly.
 * `top` is the largest value of the axis.
 */
export function Chart({
  caption,
  columns,
  top,
  unit,
  table,
  legend,
  children,
}: {
  caption: string;
  columns: readonly string[];
  top: number;
  unit: string;
  /** Head and rows. */
  table: { head: readonly string[]; rows: readonly (readonly string[])[] };
  legend?: ReactNode;
  children: (plot: Plot) => ReactNode;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const column = Math.max(0, width - LEFT - RIGHT) / columns.length;
  const plot: Plot = {
    x: (i) => LEFT + (i + 0.5) * column,
    column,
    y: (value) => TOP + (1 - value / top) * (CHART_HEIGHT - TOP - BOTTOM),
  };
  const shown = labelled(columns.length, Math.max(1, Math.floor((width - LEFT) / LABEL_PX)));
  return (
    <figure className="chart">
      <figcaption>
        <span className="chart-caption">{caption}</span>
        {legend}
      </figcaption>
      <div ref={frame} className="chart-frame">
        {width > 0 && (
          <svg width={width} height={CHART_HEIGHT} aria-hidden="true">
            {[0, top / 2, top].map((value) => (
              <g key={value}>
                <line className="chart-grid" x1={LEFT} x2={width - RIGHT} y1={plot.y(value)} y2={plot.y(value)} />
                <text className="chart-text" x={LEFT - 6} y={plot.y(value) + 4} textAnchor="end">
                  {Math.round(value * 100) / 100}
                </text>
              </g>
            ))}
            {children(plot)}
            {shown.map((i) => (
              <text
                key={i}
                className="chart-text"
                x={i === 0 ? LEFT : i === columns.length - 1 ? width - RIGHT : plot.x(i)}
                y={CHART_HEIGHT - 6}
                textAnchor={i === 0 ? "start" : i === columns.length - 1 ? "end" : "middle"}
              >
                {columns[i]}
              </text>
            ))}
          </svg>
        )}
      </div>
      <details className="chart-table">
        <summary>{`As a table (${unit})`}</summary>
        <table>
          <thead>
            <tr>
              {table.head.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map(([name, ...cells]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {cells.map((cell, at) => (
                  <td key={table.head[at + 1]}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

/** Which of `count` columns have their name written, `most` at the most, at equal steps from the first one on. */
function labelled(count: number, most: number): number[] {
  const step = Math.ceil(count / most);
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
}
