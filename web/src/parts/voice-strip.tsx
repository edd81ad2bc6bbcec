import { type MouseEvent, useEffect, useMemo, useRef } from "react";
import type { DrillWord, Recording } from "#client";
import type { Band } from "#protocol";
import { marks, omittedSign, type Selection } from "../judgement.ts";
import type { SoundNames } from "../sound-names.ts";

/** Of CSS pixels, how many a second of speech takes: while it moves, and where a short sound's sign should fit. */
const LIVE_PX_PER_S = 200;
const WHOLE_PX_PER_S = 280;
/** The widest drawing that browsers take, in CSS pixels; longer speech is drawn narrower. */
const WIDEST = 8_000;
const BAR_MS = 20;
const WAVE_HEIGHT = 60;
const CELL_TOP = 66;
const CELL_HEIGHT = 42;
const HEIGHT = CELL_TOP + CELL_HEIGHT;
/** Of silence shown before the first sound and after the last one. */
const MARGIN_MS = 300;

type Cell = Selection & { sign: string; mark: string; band: Band; final: boolean; startMs: number; endMs: number };
type View = { fromMs: number; widthPx: number; pxPerMs: number };

/**
 * One's voice with the sounds under it on the same time axis: moving while one speaks, then whole, to be scrolled through.
 * A picture for the eyes; all it says is in the lane above as text.
 */
export function VoiceStrip({
  recording,
  words,
  live,
  names,
  selected,
  onSelect,
}: {
  recording: Recording | null;
  words: readonly DrillWord[];
  live: boolean;
  names: SoundNames;
  selected: Selection | null;
  onSelect?: ((selection: Selection, by: "press") => void) | undefined;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const cells = useMemo(() => cellsOf(words, names), [words, names]);
  // What is drawn while it moves, without starting the motion anew for each judgement.
  const latest = useRef(cells);
  latest.current = cells;

  useEffect(() => {
    if (!live || !recording) return;
    let request = 0;
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const step = () => {
      const widthPx = frame.current?.clientWidth ?? 0;
      const spanMs = (widthPx / LIVE_PX_PER_S) * 1_000;
      const nowMs = recording.durationMs;
      // Without motion it fills from the left, page by page.
      const fromMs = still.matches ? Math.floor(nowMs / spanMs) * spanMs : nowMs - spanMs;
      draw(canvas.current, recording, latest.current, { fromMs, widthPx, pxPerMs: LIVE_PX_PER_S / 1_000 }, null);
      request = requestAnimationFrame(step);
    };
    step();
    return () => cancelAnimationFrame(request);
  }, [live, recording]);

  const whole = useMemo(
    () => (!live && recording && cells.length > 0 ? wholeView(recording, cells) : null),
    [live, recording, cells],
  );
  useEffect(() => {
    if (!whole || !recording) return;
    const drawAgain = () => draw(canvas.current, recording, cells, whole, selected);
    drawAgain();
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", drawAgain);
    return () => scheme.removeEventListener("change", drawAgain);
  }, [whole, recording, cells, selected]);

  // The selected sound is in sight.
  useEffect(() => {
    const cell = whole && selected && cells.find((each) => each.word === selected.word && fits(each, selected));
    const box = frame.current;
    if (!cell || !box) return;
    const middle = ((cell.startMs + cell.endMs) / 2 - whole.fromMs) * whole.pxPerMs;
    if (middle < box.scrollLeft + 40 || middle > box.scrollLeft + box.clientWidth - 40)
      box.scrollTo({ left: middle - box.clientWidth / 2 });
  }, [whole, selected, cells]);

  const press = (event: MouseEvent<HTMLCanvasElement>) => {
    if (!whole) return;
    const atMs = whole.fromMs + event.nativeEvent.offsetX / whole.pxPerMs;
    const cell = cells.find(({ startMs, endMs }) => atMs >= startMs && atMs < endMs);
    if (cell) onSelect?.({ word: cell.word, phone: cell.phone }, "press");
  };

  return (
    // Browsers would make a scrolled part a stop of the Tab key.
    <div className="strip" ref={frame} aria-hidden="true" tabIndex={-1}>
      {live || whole ? (
        // A press is a shortcut: the lane's buttons do the same.
        <canvas ref={canvas} height={HEIGHT} onClick={press} data-pressable={whole ? true : undefined} />
      ) : (
        <p className="hint">Your voice is drawn here while you speak.</p>
      )}
    </div>
  );
}

function fits(cell: Selection, selected: Selection): boolean {
  return selected.word === cell.word && (selected.phone === null || selected.phone === cell.phone);
}

function cellsOf(words: readonly DrillWord[], names: SoundNames): Cell[] {
  return words.flatMap(({ phones, judged: word }, at) =>
    phones.flatMap(({ phone, judged }, index) => {
      if (!judged || judged.endMs <= judged.startMs) return [];
      const { band, final, startMs, endMs } = judged;
      const mark = word?.errorType === "omission" ? omittedSign : final ? marks[band].sign : "·";
      // "th(ink)" is too wide for its sound.
      const sign = names.sign(phone).replace(/\(.*/, "");
      return [{ word: at, phone: index, sign, mark, band, final, startMs, endMs }];
    }),
  );
}

function wholeView(recording: Recording, cells: readonly Cell[]): View {
  const fromMs = Math.max(0, Math.min(...cells.map(({ startMs }) => startMs)) - MARGIN_MS);
  const toMs = Math.min(recording.durationMs, Math.max(...cells.map(({ endMs }) => endMs)) + MARGIN_MS);
  const widthPx = Math.min(WIDEST, Math.ceil(((toMs - fromMs) * WHOLE_PX_PER_S) / 1_000));
  return { fromMs, widthPx, pxPerMs: widthPx / (toMs - fromMs) };
}

function draw(
  canvas: HTMLCanvasElement | null,
  recording: Recording,
  cells: readonly Cell[],
  { fromMs, widthPx, pxPerMs }: View,
  selected: Selection | null,
): void {
  const brush = canvas?.getContext("2d");
  if (!canvas || !brush || widthPx === 0) return;
  const scale = Math.min(2, devicePixelRatio);
  // Setting the size clears the drawing, also where it stays the same.
  canvas.width = Math.round(widthPx * scale);
  canvas.height = HEIGHT * scale;
  canvas.style.width = `${widthPx}px`;
  canvas.style.height = `${HEIGHT}px`;
  brush.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const color = (name: string) => style.getPropertyValue(`--${name}`);
  const toMs = fromMs + widthPx / pxPerMs;

  brush.fillStyle = color("accent");
  const bar = BAR_MS * pxPerMs;
  for (
    let ms = Math.floor(Math.max(0, fromMs) / BAR_MS) * BAR_MS;
    ms < toMs && ms < recording.durationMs;
    ms += BAR_MS
  ) {
    // Quiet speech would be a line otherwise.
    const height = Math.max(1.5, recording.peak(ms, ms + BAR_MS) ** 0.7 * WAVE_HEIGHT);
    brush.fillRect((ms - fromMs) * pxPerMs, (WAVE_HEIGHT - height) / 2, Math.max(1, bar - 1), height);
  }

  brush.textAlign = "center";
  brush.lineWidth = 1.5;
  for (const cell of cells) {
    if (cell.endMs < fromMs || cell.startMs > toMs) continue;
    const left = (cell.startMs - fromMs) * pxPerMs + 1;
    const width = Math.max(2, (cell.endMs - cell.startMs) * pxPerMs - 2);
    const isSelected = selected !== null && fits(cell, selected);
    brush.beginPath();
    brush.roundRect(left, CELL_TOP + 1, width, CELL_HEIGHT - 2, 4);
    brush.fillStyle = color(`${cell.band}-soft`);
    brush.fill();
    brush.setLineDash(cell.final ? [] : [3, 2]);
    brush.strokeStyle = isSelected ? color("ink") : color(`${cell.band}-line`);
    brush.lineWidth = isSelected ? 2.5 : 1.5;
    brush.stroke();
    brush.fillStyle = color(cell.band);
    brush.font = `15px ${style.fontFamily}`;
    if (brush.measureText(cell.sign).width <= width) brush.fillText(cell.sign, left + width / 2, CELL_TOP + 19);
    brush.font = `700 11px ${style.fontFamily}`;
    if (brush.measureText(cell.mark).width <= width) brush.fillText(cell.mark, left + width / 2, CELL_TOP + 34);
  }
}
