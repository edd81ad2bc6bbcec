import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { calendarDays } from "../../src/drills/calendar-days.ts";

const HOUR_MS = 3_600_000;

/** When the last days of that zone began, in UTC. */
function begins(timeZone: string, at: string, count = 2): string[] {
  const { days, starts } = calendarDays(timeZone, count, Date.parse(at));
  return days.map((day, i) => `${day} ${new Date(starts[i] ?? Number.NaN).toISOString().slice(0, 16)}`);
}

test("[DRILL-50] a day begins at midnight where one is", () => {
  assert.deepEqual(begins("UTC", "2026-11-20T23:59:59.999Z", 1), ["2026-11-20 2026-11-20T00:00"]);
  assert.deepEqual(begins("Asia/Kolkata", "2026-11-20T18:30:00Z", 1), ["2026-11-21 2026-11-20T18:30"]);
  assert.deepEqual(begins("Pacific/Kiritimati", "2026-11-20T10:00:00Z", 1), ["2026-11-21 2026-11-20T10:00"]);
  assert.deepEqual(begins("America/New_York", "2026-03-01T03:00:00Z"), [
    "2026-02-27 2026-02-27T05:00",
    "2026-02-28 2026-02-28T05:00",
  ]);
});

test("[DRILL-50] a day begins at its first moment where clocks change at midnight", () => {
  // They jump from 0 to 1.
  assert.deepEqual(begins("America/Sao_Paulo", "2018-11-05T12:00:00Z"), [
    "2018-11-04 2018-11-04T03:00",
    "2018-11-05 2018-11-05T02:00",
  ]);
  // They run from 0 to 1 twice.
  assert.deepEqual(begins("Atlantic/Azores", "2026-10-26T12:00:00Z"), [
    "2026-10-25 2026-10-25T00:00",
    "2026-10-26 2026-10-26T01:00",
  ]);
  // There was no 30th.
  assert.deepEqual(begins("Pacific/Apia", "2011-12-31T12:00:00Z", 3), [
    "2011-12-30 2011-12-30T10:00",
    "2011-12-31 2011-12-30T10:00",
    "2012-01-01 2011-12-31T10:00",
  ]);
});

test("[DRILL-50] in any zone and at any time, days follow each other without gaps and the last one holds the moment", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Intl.supportedValuesOf("timeZone")),
      fc.integer({ min: Date.parse("2000-01-01"), max: Date.parse("2040-01-01") }),
      (timeZone, nowMs) => {
        const { days, starts } = calendarDays(timeZone, 30, nowMs);
        assert.equal(days.length, 30);
        assert.equal(new Set(days).size, 30);
        const today = new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(nowMs);
        assert.equal(days.at(-1), today);
        assert.ok((starts.at(-1) ?? Number.NaN) <= nowMs);
        starts.forEach((start, i) => {
          const length = (starts[i + 1] ?? start + 24 * HOUR_MS) - start;
          assert.ok(
            length === 0 || (length >= 22 * HOUR_MS && length <= 48 * HOUR_MS),
            `${timeZone} ${days[i]}: ${length}`,
          );
        });
      },
    ),
    { numRuns: 200 },
  );
});
