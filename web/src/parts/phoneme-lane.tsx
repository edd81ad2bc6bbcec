import { memo, useEffect, useRef } from "react";
import type { DrillPhone, DrillWord } from "#client";
import type { Band } from "#protocol";
import { exampleOf, ipa } from "#protocol";

/** Each band has a shape of its own, so that no judgement hangs on colour. */
const marks: Record<Band, { sign: string; word: string }> = {
  good: { sign: "✓", word: "good" },
  fair: { sign: "~", word: "fair" },
  poor: { sign: "✕", word: "poor" },
};
const omittedSign = "–";

export function bandOf(word: DrillWord): Band | undefined {
  if (!word.judged) return undefined;
  const bands = word.phones.map(({ judged }) => judged?.band);
  if (word.judged.errorType !== "none" || bands.includes("poor")) return "poor";
  return bands.includes("fair") ? "fair" : "good";
}

/** The sentence, large, with the sounds of each word under it; they fill while one speaks. */
export const PhonemeLane = memo(function PhonemeLane({
  words,
  current,
}: {
  words: readonly DrillWord[];
  current?: number | undefined;
}) {
  const lane = useRef<HTMLOListElement>(null);
  // A sentence longer than the screen moves along with the voice.
  useEffect(() => {
    if (current !== undefined) lane.current?.children[current]?.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <ol className="lane" aria-label="The sentence, word by word" ref={lane}>
      {words.map((word, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a sentence's words keep their places
        <li key={at} className="lane-word" data-band={bandOf(word)} data-current={at === current || undefined}>
          <span className="lane-text">
            {word.text}
            {word.judged && <span className="hidden">{`: ${wordInWords(word)}`}</span>}
          </span>
          <span className="lane-phones">
            {word.phones.map((phone, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a word's phones keep their places
              <Tile key={index} {...phone} omitted={word.judged?.errorType === "omission"} />
            ))}
          </span>
        </li>
      ))}
    </ol>
  );
});

function Tile({ phone, judged, omitted }: DrillPhone & { omitted: boolean }) {
  const example = exampleOf(phone);
  const as = example ? `as in “${example}”` : "";
  const sign = omitted ? omittedSign : judged?.final ? marks[judged.band].sign : judged ? "·" : "";
  const state = judged ? (judged.final ? "final" : "provisional") : "waiting";
  return (
    <span
      className="tile"
      data-state={state}
      data-band={judged?.band}
      title={judged ? `${as}: ${marks[judged.band].word}, ${Math.round(judged.score)} of 100` : as}
      aria-hidden="true"
    >
      <span className="tile-sound">{ipa(phone)}</span>
      <span className="tile-mark">{sign}</span>
    </span>
  );
}

/** What a screen reader hears of a judged word. */
export function wordInWords(word: DrillWord): string {
  if (!word.judged) return "not spoken yet";
  if (word.judged.errorType === "omission") return "left out";
  const wrong = word.phones
    .filter(({ judged }) => judged?.band === "poor")
    .map(({ phone, judged }) => soundInWords(phone, judged?.heard));
  return `${Math.round(word.judged.score)} of 100${wrong.length > 0 ? `; practise ${wrong.join(", ")}` : ""}`;
}

export function soundInWords(phone: string, heard?: string): string {
  const example = exampleOf(phone);
  const sound = example ? `the sound in “${example}”` : `the sound ${ipa(phone)}`;
  const rival = heard === undefined ? undefined : exampleOf(heard);
  return rival ? `${sound}, it sounded like the one in “${rival}”` : sound;
}

/** What the shapes and colours mean. */
export function LaneLegend() {
  return (
    <p className="lane-legend hint" aria-hidden="true">
      {(Object.keys(marks) as Band[]).map((band) => (
        <span key={band} className="legend-item">
          <span className="legend-mark" data-band={band}>
            {marks[band].sign}
          </span>
          {marks[band].word}
        </span>
      ))}
      <span className="legend-item">
        <span className="legend-mark" data-band="poor">
          {omittedSign}
        </span>
        left out
      </span>
    </p>
  );
}
