const DAY_MS = 86_400_000;

/** Days of a time zone's calendar, one after the other: `days[i]` begins at `starts[i]`. */
export type Calendar = {
  /** YYYY-MM-DD. */
  readonly days: readonly string[];
  /** Ms since 1970; never falling. */
  readonly starts: readonly number[];
};

/**
 * The last `count` days of the calendar that is used in `timeZone`; the last one is the day of `nowMs`. A day begins at its
 * first moment: at midnight, or later where clocks jump over midnight, and the first time where they run through it twice.
 * @param timeZone an IANA name that the runtime knows
 */
export function calendarDays(timeZone: string, count: number, nowMs: number): Calendar {
  const wall = wallClock(timeZone);
  const today = Math.floor(wall(nowMs) / DAY_MS);
  const midnights = Array.from({ length: count }, (_, i) => (today - count + 1 + i) * DAY_MS);
  // A zone is never a whole day away from UTC, so a day before and a day after midnight enclose its change, if there is one.
  const offsets = [-1, ...midnights.keys(), count].map((i) => {
    const at = (today - count + 1 + i) * DAY_MS;
    return wall(at) - at;
  });
  const starts = midnights.map((midnight, i) => {
    const [before, after] = [midnight - (offsets[i] ?? 0), midnight - (offsets[i + 2] ?? 0)];
    const [early, late] = before < after ? [before, after] : [after, before];
    return early === late || wall(early) >= midnight ? early : late;
  });
  return { days: midnights.map((midnight) => new Date(midnight).toISOString().slice(0, 10)), starts };
}

/** What a clock on the wall of that zone shows, as if it were UTC, in ms since 1970 and whole seconds. */
function wallClock(timeZone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (atMs) => {
    const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] =
      format.format(atMs).match(/\d+/g)?.map(Number) ?? [];
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
}
