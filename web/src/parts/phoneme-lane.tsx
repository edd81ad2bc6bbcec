import { type KeyboardEvent, memo, useEffect, useRef } from "react";
import type { DrillPhone, DrillWord } from "#client";
import type { Band } from "#protocol";
import { bandOf, marks, omittedSign, phoneInWords, type Selection, wordInWords } from "../judgement.ts";
import type { SoundNames } from "../sound-names.ts";

/**
 * The sentence, large, with the sounds of each word under it; they fill while one speaks. With `onSelect` words and sounds are
 * buttons: one stop of the Tab key, moved through with the arrow keys.
 */
export const PhonemeLane = memo(function PhonemeLane({
  words,
  language,
  names,
  current,
  selected,
  onSelect,
}: {
  words: readonly DrillWord[];
  /** A BCP 47 tag, for whatever reads the sentence aloud. */
  language: string;
  names: SoundNames;
  current?: number | undefined;
  selected?: Selection | null;
  /** `by` tells a press, which may sound, from a move of the selection. */
  onSelect?: ((selection: Selection, by: "press" | "move") => void) | undefined;
}) {
  const lane = useRef<HTMLOListElement>(null);
  // A sentence longer than the screen moves along with the voice.
  useEffect(() => {
    if (current !== undefined) lane.current?.children[current]?.scrollIntoView({ block: "nearest" });
  }, [current]);
  const part = (selection: Selection) => ({
    isSelected: selected?.word === selection.word && selected.phone === selection.phone,
    // Where nothing is selected Tab leads to the first word.
    inTabOrder: selected
      ? selected.word === selection.word && selected.phone === selection.phone
      : selection.word === 0 && selection.phone === null,
    onPress: onSelect && (() => onSelect(selection, "press")),
    onFocus: onSelect && (() => onSelect(selection, "move")),
  });
  return (
    <ol
      className="lane"
      aria-label="The sentence, word by word"
      ref={lane}
      onKeyDown={onSelect && ((event) => moveFocus(event))}
    >
      {words.map((word, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a sentence's words keep their places
        <li key={at} className="lane-word" data-band={bandOf(word)} data-current={at === current || undefined}>
          <Part
            className="lane-text"
            name={`${word.text}: ${wordInWords(names, word)}`}
            {...part({ word: at, phone: null })}
          >
            <span lang={language}>{word.text}</span>
            {word.judged && <span className="hidden">{`: ${wordInWords(names, word)}`}</span>}
          </Part>
          <span className="lane-phones">
            {word.phones.map((phone, index) => (
              <Tile
                // biome-ignore lint/suspicious/noArrayIndexKey: a word's phones keep their places
                key={index}
                phone={phone}
                names={names}
                omitted={word.judged?.errorType === "omission"}
                part={part({ word: at, phone: index })}
              />
            ))}
          </span>
        </li>
      ))}
    </ol>
  );
});

type PartState = {
  isSelected: boolean;
  inTabOrder: boolean;
  onPress?: (() => void) | undefined;
  onFocus?: (() => void) | undefined;
};

/** A word or a sound: text while it can't be selected, else a button. */
function Part({
  isSelected,
  inTabOrder,
  onPress,
  onFocus,
  name,
  ...rest
}: PartState & React.ComponentProps<"span"> & { name: string; [data: `data-${string}`]: unknown }) {
  if (!onPress) return <span {...rest} />;
  return (
    <button
      {...(rest as React.ComponentProps<"button">)}
      type="button"
      aria-label={name}
      aria-pressed={isSelected}
      tabIndex={inTabOrder ? 0 : -1}
      onClick={onPress}
      onFocus={onFocus}
    />
  );
}

function Tile({
  phone,
  names,
  omitted,
  part,
}: {
  phone: DrillPhone;
  names: SoundNames;
  omitted: boolean;
  part: PartState;
}) {
  const { judged } = phone;
  const sign = omitted ? omittedSign : judged?.final ? marks[judged.band].sign : judged ? "·" : "";
  const name = phoneInWords(names, phone, omitted);
  return (
    <Part
      className="tile"
      data-state={judged ? (judged.final ? "final" : "provisional") : "waiting"}
      data-band={judged?.band}
      title={name}
      aria-hidden={part.onPress ? undefined : true}
      name={name}
      {...part}
    >
      <span className="tile-sound">{names.sign(phone.phone)}</span>
      <span className="tile-mark">{sign}</span>
    </Part>
  );
}

/** The arrow keys, Home and End lead from one of the lane's buttons to another. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  buttons[to]?.focus();
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
