import { useId, useMemo, useRef, useState } from "react";
import type { CallReply, PhoneProgress } from "#protocol";
import { soundName } from "../judgement.ts";
import { LanguageChoice, usePractised } from "../parts/language-choice.tsx";
import { Link } from "../parts/link.tsx";
import { MinutesChart } from "../parts/minutes-chart.tsx";
import { Blank, Failure, Waiting } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { ScoreChart, type ScorePoint } from "../parts/score-chart.tsx";
import { type SoundNames, useSoundNames } from "../sound-names.ts";
import { useCall } from "../use-call.ts";
import { counted, dayName } from "../words.ts";

type Progress = CallReply<"practice.progress">;

const ranges = [
  { days: 7, name: "Week" },
  { days: 30, name: "Month" },
  { days: 90, name: "3 months" },
  { days: 365, name: "Year" },
];
/** Up to this many days have a bar each. */
const DAILY = 31;
/** A difference smaller than this is chance. */
const STEADY = 3;
const SOUNDS_SHOWN = 8;

export function ProgressPage() {
  const [days, setDays] = useState(30);
  const { language } = usePractised();
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const { data, error, reload } = useCall("practice.progress", { timeZone, days, language });
  // While another range is on its way the page stays as it was.
  const [shown, setShown] = useState(data);
  if (data && data !== shown) setShown(data);
  const name = useId();
  return (
    <>
      <PageHead title="Progress" lead="How your reading gets on, day by day and sound by sound." />
      <LanguageChoice />
      <fieldset className="segments segments-fit range">
        <legend className="hidden">Range</legend>
        {ranges.map((range) => (
          <label key={range.days}>
            <input type="radio" name={name} checked={range.days === days} onChange={() => setDays(range.days)} />
            <span>{range.name}</span>
          </label>
        ))}
      </fieldset>
      {error && !data ? <Failure error={error} onRetry={reload} /> : null}
      {!shown && !error && <Waiting what="Adding up your readings…" />}
      {shown &&
        (shown.days.length === 0 ? (
          <Nothing streak={shown.streakDays} />
        ) : (
          <Shown progress={shown} language={language} />
        ))}
    </>
  );
}

function Nothing({ streak }: { streak: number }) {
  return (
    <Blank title={streak > 0 ? "Nothing in this range." : "Nothing was read in this time."}>
      <p>Read a few sentences aloud; from then on this page shows how it goes.</p>
      <Link to={{ page: "practice" }} className="button button-main">
        To the practice
      </Link>
    </Blank>
  );
}

function Shown({ progress, language }: { progress: Progress; language: string }) {
  const { days, streakDays, phones } = progress;
  const attempts = days.reduce((sum, day) => sum + day.attempts, 0);
  const audioMs = days.reduce((sum, day) => sum + day.audioMs, 0);
  const score = days.reduce((sum, day) => sum + day.pronunciation * day.attempts, 0) / attempts;
  return (
    <div className="progress">
      <dl className="figures">
        <Figure name={streakDays === 1 ? "day in a row" : "days in a row"} value={String(streakDays)} />
        <Figure name="minutes spoken" value={(audioMs / 60_000).toFixed(1)} />
        <Figure name={attempts === 1 ? "reading" : "readings"} value={String(attempts)} />
        <Figure name="mean score" value={String(Math.round(score))} />
      </dl>
      {attempts === 1 && <p className="hint">One reading so far: each one more makes these pictures clearer.</p>}
      <div className="card chart-card">
        <MinutesChart periods={minutesOf(progress)} />
      </div>
      {phones.length > 0 && <Sounds progress={progress} language={language} />}
      <Link to={{ page: "history", attemptId: null }} className="button more">
        All readings
      </Link>
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div className="figure card">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** The worst sounds to choose from, and the course of the chosen one. */
function Sounds({ progress: { phones, periods }, language }: { progress: Progress; language: string }) {
  const names = useSoundNames(language);
  const [all, setAll] = useState(false);
  const [wanted, setWanted] = useState<string | null>(null);
  const chosen = phones.find(({ phone }) => phone === wanted) ?? phones[0];
  const chart = useRef<HTMLDivElement>(null);
  const choose = (phone: string) => {
    setWanted(phone);
    chart.current?.scrollIntoView({ block: "nearest" });
  };
  const everySound = useMemo(() => together(phones), [phones]);
  if (!chosen) return null;
  return (
    <section className="sounds" aria-label="Sounds">
      <div className="card sounds-list">
        <h2>Sounds, the weakest first</h2>
        <ul>
          {phones.slice(0, all ? undefined : SOUNDS_SHOWN).map((each) => (
            <li key={each.phone}>
              <SoundRow sound={each} names={names} isChosen={each === chosen} onChoose={() => choose(each.phone)} />
            </li>
          ))}
        </ul>
        {phones.length > SOUNDS_SHOWN && (
          <button type="button" className="button button-small button-quiet" onClick={() => setAll(!all)}>
            {all ? "Only the weakest" : `All ${phones.length} sounds`}
          </button>
        )}
      </div>
      <div className="card chart-card" ref={chart}>
        <ScoreChart
          name={`Over time: ${soundName(names, chosen.phone)}`}
          columns={periods.map(dayName)}
          points={chosen.points}
          all={everySound}
        />
        <p className="hint">{heardInstead(names, chosen)}</p>
      </div>
    </section>
  );
}

function SoundRow({
  sound,
  names,
  isChosen,
  onChoose,
}: {
  sound: PhoneProgress;
  names: SoundNames;
  isChosen: boolean;
  onChoose: () => void;
}) {
  const { phone, score, count, change } = sound;
  return (
    <button type="button" className="row sound-choice" aria-pressed={isChosen} onClick={onChoose}>
      <span className="tile sound-choice-sign" aria-hidden="true">
        {names.sign(phone)}
      </span>
      <span className="row-main">
        <span>{names.example(phone) ? `as in “${names.example(phone)}”` : phone}</span>
        <span className="hint">
          said {counted(count, "time")}
          {change !== null && `, ${changeInWords(change)}`}
        </span>
      </span>
      <span className="sound-choice-score">
        {Math.round(score)}
        <span className="hidden"> of 100</span>
      </span>
    </button>
  );
}

function changeInWords(change: number): string {
  if (Math.abs(change) < STEADY) return "steady";
  return change > 0 ? `▲ up by ${Math.round(change)}` : `▼ down by ${Math.round(-change)}`;
}

function heardInstead(names: SoundNames, { heard, poor, count }: PhoneProgress): string {
  const rivals = heard.flatMap((each) => {
    const example = names.example(each.phone);
    return example ? [`the one in “${example}” (${counted(each.count, "time")})`] : [];
  });
  const often = poor === 0 ? "Never poor" : `Poor ${poor} of ${counted(count, "time")}`;
  return rivals.length > 0 ? `${often}. When it was not right it sounded like ${rivals.join(", ")}.` : `${often}.`;
}

/** All sounds taken as one. */
function together(phones: readonly PhoneProgress[]): ScorePoint[] {
  const sums = new Map<number, { count: number; scores: number }>();
  for (const { period, count, score } of phones.flatMap(({ points }) => points)) {
    const sum = sums.get(period) ?? { count: 0, scores: 0 };
    sums.set(period, { count: sum.count + count, scores: sum.scores + count * score });
  }
  return [...sums]
    .map(([period, { count, scores }]) => ({ period, count, score: scores / count }))
    .sort((a, b) => a.period - b.period);
}

/** Minutes by day, or by the range's periods where there are many days. */
function minutesOf({
  days,
  firstDay,
  today,
  periods,
}: Progress): { label: string; minutes: number; attempts: number }[] {
  const whole = daysBetween(firstDay, today);
  const starts = whole.length <= DAILY ? whole : periods;
  return starts.map((start, i) => {
    const end = starts[i + 1];
    const own = days.filter(({ day }) => day >= start && (end === undefined || day < end));
    return {
      label: dayName(start),
      minutes: own.reduce((sum, { audioMs }) => sum + audioMs, 0) / 60_000,
      attempts: own.reduce((sum, { attempts }) => sum + attempts, 0),
    };
  });
}

/** Calendar days from one to the other, both included, as YYYY-MM-DD. */
function daysBetween(first: string, last: string): string[] {
  const days = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += 86_400_000)
    days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}
