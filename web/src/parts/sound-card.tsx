import { useState } from "react";
import type { DrillPhone, DrillWord, Recording } from "#client";
import { firstLanguages } from "#protocol";
import { heardInWords, marks, type Selection, soundName, wordInWords } from "../judgement.ts";
import type { Span } from "../player.ts";
import { useServices, useStore } from "../services.tsx";
import { type SoundNames, useSoundNames } from "../sound-names.ts";
import { Failure } from "./notice.tsx";
import { PlayButton } from "./play-button.tsx";

const SLOW = 0.6;

/** All about the selected sound or word: how it was judged, what to change, oneself and the reference to compare. */
export function SoundCard({
  words,
  selection,
  recording,
  language,
}: {
  words: readonly DrillWord[];
  selection: Selection;
  recording: Recording | null;
  language: string;
}) {
  const names = useSoundNames(language);
  const word = words[selection.word];
  const phone = selection.phone === null ? undefined : word?.phones[selection.phone];
  if (!word) return null;
  return (
    <section className="sound-card card" aria-label="About the sound">
      {phone ? <AboutSound phone={phone} word={word} names={names} /> : <AboutWord word={word} names={names} />}
      {recording && recording.durationMs > 0 && (
        <Oneself words={words} word={word} phone={phone} recording={recording} />
      )}
      <Reference words={words} word={word} phone={phone} language={language} />
    </section>
  );
}

function AboutSound({
  phone: { phone, judged },
  word,
  names,
}: {
  phone: DrillPhone;
  word: DrillWord;
  names: SoundNames;
}) {
  const { firstLanguage } = useStore(useServices().preferences);
  const omitted = word.judged?.errorType === "omission";
  const mark = judged && !omitted ? marks[judged.band] : null;
  const feedback = judged?.feedback;
  return (
    <>
      <div className="sound-head">
        <span className="sound-sign" data-band={mark ? judged?.band : undefined} aria-hidden="true">
          {names.sign(phone)}
        </span>
        <div>
          <h2>{capitalised(soundName(names, phone))}</h2>
          <p className="hint">
            in “{word.text}”
            {omitted
              ? ", which was left out"
              : mark && `: ${mark.sign} ${mark.word}, ${Math.round(judged?.score ?? 0)} of 100`}
          </p>
        </div>
      </div>
      {judged && !omitted && judged.band !== "good" && <p>{heardInWords(names, phone, judged)}</p>}
      {feedback && <p className="sound-hint">{feedback.hint}</p>}
      {feedback?.typical && firstLanguage && (
        <p className="hint">Many speakers of {firstLanguages[firstLanguage]} find this one hard.</p>
      )}
    </>
  );
}

function AboutWord({ word, names }: { word: DrillWord; names: SoundNames }) {
  const { stress } = word.judged ?? {};
  return (
    <>
      <div className="sound-head">
        <div>
          <h2>“{word.text}”</h2>
          <p className="hint">{wordInWords(names, word)}</p>
        </div>
      </div>
      {stress && stress.heard !== stress.expected && (
        <p className="sound-hint">
          Stress the {ordinal(stress.expected)} syllable: longer, higher and clearer. You stressed the{" "}
          {ordinal(stress.heard)}.
        </p>
      )}
    </>
  );
}

type Parts = { words: readonly DrillWord[]; word: DrillWord; phone: DrillPhone | undefined };

function Oneself({ words, word, phone, recording }: Parts & { recording: Recording }) {
  const { player } = useServices();
  const play = (what: string, part: Span) => () => player.playPart(what, recording, part);
  const whole = spanOf(words);
  const said = word.judged && word.judged.endMs > word.judged.startMs ? word.judged : null;
  return (
    <div className="sound-row">
      <span className="sound-who">You</span>
      {phone?.judged && phone.judged.endMs > phone.judged.startMs && (
        <PlayButton
          what="own sound"
          label="Sound"
          name="Hear yourself: the sound"
          onPlay={play("own sound", phone.judged)}
        />
      )}
      {said && (
        <PlayButton what="own word" label="Word" name="Hear yourself: the word" onPlay={play("own word", said)} />
      )}
      {whole && (
        <PlayButton
          what="own sentence"
          label="Sentence"
          name="Hear yourself: the sentence"
          onPlay={play("own sentence", whole)}
        />
      )}
    </div>
  );
}

/** From the first sound that was said to the last one. */
function spanOf(words: readonly DrillWord[]): Span | null {
  const said = words.flatMap(({ judged }) => (judged && judged.endMs > judged.startMs ? [judged] : []));
  const [first, last] = [said[0], said.at(-1)];
  return first && last ? { startMs: first.startMs, endMs: last.endMs } : null;
}

/** The server's voice, where it has one for this language. */
function Reference({ words, word, phone, language }: Parts & { language: string }) {
  const { player, referenceVoice } = useServices();
  const languages = useStore(referenceVoice);
  const spoken = language.split("-")[0] ?? language;
  const [slow, setSlow] = useState(false);
  const [error, setError] = useState<unknown>();
  if (!languages.includes(spoken)) return null;
  const say = (what: string, content: { text: string } | { phones: string }) => () => {
    setError(undefined);
    const speed = slow ? SLOW : 1;
    player.playFile(what, () => referenceVoice.say({ ...content, language: spoken, speed })).catch(setError);
  };
  const sentence = words.map(({ text }) => text).join(" ");
  return (
    <>
      <div className="sound-row">
        <span className="sound-who">Example</span>
        {/* Phones by themselves are asked for in ARPAbet. */}
        {phone && spoken === "en" && (
          <PlayButton
            what="example sound"
            label="Sound"
            name="Hear it said: the sound"
            onPlay={say("example sound", { phones: phone.phone })}
          />
        )}
        <PlayButton
          what="example word"
          label="Word"
          name="Hear it said: the word"
          onPlay={say("example word", { text: word.text })}
        />
        <PlayButton
          what="example sentence"
          label="Sentence"
          name="Hear it said: the sentence"
          onPlay={say("example sentence", { text: sentence })}
        />
        <label className="sound-slow">
          <input type="checkbox" checked={slow} onChange={(event) => setSlow(event.target.checked)} />
          slowly
        </label>
      </div>
      {error ? <Failure error={error} /> : null}
    </>
  );
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function ordinal(index: number): string {
  return ["first", "second", "third", "fourth", "fifth"][index] ?? `${index + 1}th`;
}
