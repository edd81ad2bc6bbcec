import type { DrillWord } from "#client";
import type { DrillResult } from "#protocol";
import {
  bandOf,
  insertionInWords,
  partsInWords,
  phraseAround,
  praise,
  soundInWords,
  wasRead,
  wordsToRepeat,
} from "../judgement.ts";
import type { Route } from "../router.ts";
import type { SoundNames } from "../sound-names.ts";
import { Icon } from "./icon.tsx";
import { Link } from "./link.tsx";

/** Words offered beside the first one. */
const MORE_WORDS = 3;

const outcomes: Record<DrillResult["outcome"], { title: string; text: string } | null> = {
  scored: null,
  silence: { title: "Nothing was heard", text: "Come closer to the microphone and read the sentence aloud." },
  mismatch: {
    title: "That was something else",
    text: "What was heard does not fit this sentence, so it was not judged.",
  },
  incomplete: { title: "The sentence stopped early", text: "What you said is judged; the rest counts as left out." },
};

/** The result in one sentence, for those who hear the page. */
export function verdictInWords(result: DrillResult): string {
  const title = outcomes[result.outcome]?.title;
  if (wasRead(result)) return `${title ?? "Finished"}: ${Math.round(result.pronunciation)} of 100.`;
  return `${title}.`;
}

/** The result of a sentence in words and figures, with what to repeat first. */
export function DrillVerdict({
  result,
  words,
  names,
  practise,
}: {
  result: DrillResult;
  words: readonly DrillWord[];
  names: SoundNames;
  /** Where a part of the sentence is practised. */
  practise: (text: string) => Route;
}) {
  const outcome = outcomes[result.outcome];
  const heard = wasRead(result);
  return (
    <section className="verdict card" aria-label="Result">
      {heard && (
        <div className="verdict-head">
          <p className="verdict-total">
            <strong>{Math.round(result.pronunciation)}</strong>
            <span className="hint">of 100</span>
          </p>
          <p className="verdict-praise">{outcome?.title ?? praise(result.pronunciation)}</p>
        </div>
      )}
      {!heard && outcome && <p className="verdict-praise">{outcome.title}</p>}
      {outcome && <p>{outcome.text}</p>}
      {heard && (
        <>
          <RepeatFirst words={words} names={names} practise={practise} />
          <Slips result={result} words={words} />
          <p className="hint">The score is of these parts; the weakest counts most.</p>
          <dl className="meters">
            {partsInWords(result).map((part) => (
              <Meter key={part.name} {...part} />
            ))}
          </dl>
        </>
      )}
    </section>
  );
}

function Meter({ name, score, means }: { name: string; score: number; means: string }) {
  return (
    <div className="meter">
      <dt>{name}</dt>
      <dd>
        <span className="meter-figure">
          <span className="meter-bar" aria-hidden="true">
            <span style={{ width: `${score}%` }} />
          </span>
          {Math.round(score)}
        </span>
        <span className="hint">{means}</span>
      </dd>
    </div>
  );
}

/** The one word that would help most, and a few more. */
function RepeatFirst({
  words,
  names,
  practise,
}: {
  words: readonly DrillWord[];
  names: SoundNames;
  practise: (text: string) => Route;
}) {
  const [first, ...others] = wordsToRepeat(words);
  const word = first === undefined ? undefined : words[first];
  if (first === undefined || !word)
    return words.every((each) => bandOf(each) === "good") ? <p>Every sound was good.</p> : null;
  const sounds = word.phones
    .filter(({ judged }) => judged && judged.band !== "good")
    .sort((a, b) => (a.judged?.score ?? 0) - (b.judged?.score ?? 0))
    .slice(0, 2)
    .map(({ phone, judged }) => soundInWords(names, phone, judged?.heard));
  return (
    <div className="repeat">
      <h2>Repeat first</h2>
      <p>
        <strong>{word.text}</strong>
        {sounds.length > 0 && `: ${sounds.join("; ")}`}.
      </p>
      <div className="actions">
        <Link to={practise(phraseAround(words, first))} className="button button-small">
          <Icon name="practice" />
          Practise “{phraseAround(words, first)}”
        </Link>
        {others.slice(0, MORE_WORDS).map((at) => (
          <Link key={at} to={practise(phraseAround(words, at))} className="button button-small button-quiet">
            {phraseAround(words, at)}
          </Link>
        ))}
      </div>
    </div>
  );
}

/** What was left out, and what was said that the sentence does not have. */
function Slips({ result, words }: { result: DrillResult; words: readonly DrillWord[] }) {
  const omitted = words.filter(({ judged }) => judged?.errorType === "omission").map(({ text }) => text);
  const added = result.insertions.map((insertion) => insertionInWords(insertion, words));
  if (omitted.length === 0 && added.length === 0) return null;
  return (
    <ul className="slips">
      {omitted.length > 0 && (
        <li>
          Left out: <strong>{omitted.join(" ")}</strong>
        </li>
      )}
      {added.map((line, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is made anew with each result
        <li key={at}>{line}</li>
      ))}
    </ul>
  );
}
