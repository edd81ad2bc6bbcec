import type { DrillWord } from "#client";
import type { DrillResult } from "#protocol";
import { bandOf, soundInWords } from "./phoneme-lane.tsx";

const outcomes: Record<DrillResult["outcome"], { title: string; text: string } | null> = {
  scored: null,
  silence: { title: "Nothing was heard", text: "Come closer to the microphone and read the sentence aloud." },
  mismatch: {
    title: "That was something else",
    text: "What was heard does not fit this sentence, so it was not judged.",
  },
  incomplete: { title: "The sentence stopped early", text: "What you said is judged; the rest counts as left out." },
};

export function praise(total: number): string {
  if (total >= 85) return "Very clear";
  if (total >= 70) return "Clear";
  if (total >= 50) return "Understandable";
  return "Worth another try";
}

/** The result in one sentence, for those who hear the page. */
export function verdictInWords({ outcome, total }: DrillResult): string {
  const title = outcomes[outcome]?.title;
  if (outcome === "scored" || outcome === "incomplete") return `${title ?? "Finished"}: ${Math.round(total)} of 100.`;
  return `${title}.`;
}

/** The result of a sentence in words and figures, with what to practise next. */
export function DrillVerdict({ result }: { result: DrillResult }) {
  const outcome = outcomes[result.outcome];
  const heard = result.outcome === "scored" || result.outcome === "incomplete";
  return (
    <section className="verdict card" aria-label="Result">
      {heard && (
        <div className="verdict-head">
          <p className="verdict-total">
            <strong>{Math.round(result.total)}</strong>
            <span className="hint">of 100</span>
          </p>
          <p className="verdict-praise">{outcome?.title ?? praise(result.total)}</p>
        </div>
      )}
      {!heard && outcome && <p className="verdict-praise">{outcome.title}</p>}
      {outcome && <p>{outcome.text}</p>}
      {heard && (
        <>
          <dl className="meters">
            <Meter label="Accuracy" value={result.accuracy} />
            <Meter label="Fluency" value={result.fluency} />
            <Meter label="Completeness" value={result.completeness} />
          </dl>
          <Advice words={result.words.map(laneWordOf)} />
        </>
      )}
    </section>
  );
}

function Meter({ label, value }: { label: string; value: number }) {
  return (
    <div className="meter">
      <dt>{label}</dt>
      <dd>
        <span className="meter-bar" aria-hidden="true">
          <span style={{ width: `${value}%` }} />
        </span>
        {Math.round(value)}
      </dd>
    </div>
  );
}

/** The few things that would help most; the rest shows in the lane. */
function Advice({ words }: { words: DrillWord[] }) {
  const omitted = words.filter(({ judged }) => judged?.errorType === "omission").map(({ text }) => text);
  const sounds = words
    .flatMap((word) => word.phones.map((phone) => ({ word, phone })))
    .filter(({ word, phone }) => word.judged?.errorType !== "omission" && phone.judged?.band === "poor")
    .sort((a, b) => (a.phone.judged?.score ?? 0) - (b.phone.judged?.score ?? 0))
    .slice(0, 3);
  if (omitted.length === 0 && sounds.length === 0)
    return words.every((word) => bandOf(word) === "good") ? <p>Every sound was good.</p> : null;
  return (
    <div className="advice">
      <h2>To practise</h2>
      <ul>
        {sounds.map(({ word, phone }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list is made anew with each result
          <li key={at}>
            <strong>{word.text}</strong>: {soundInWords(phone.phone, phone.judged?.heard)}
          </li>
        ))}
        {omitted.length > 0 && (
          <li>
            Left out: <strong>{omitted.join(" ")}</strong>
          </li>
        )}
      </ul>
    </div>
  );
}

/** A stored word as the lane shows it. */
export function laneWordOf(word: DrillResult["words"][number]): DrillWord {
  return {
    text: word.text,
    judged: { score: word.score, errorType: word.errorType },
    phones: word.phones.map(({ phone, score, band, heard }) => ({
      phone,
      judged: { score, band, final: true, heard },
    })),
  };
}
