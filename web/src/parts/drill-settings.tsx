import { useId } from "react";
import { type FirstLanguage, firstLanguages } from "#protocol";
import { type Alphabet, alphabets, type Pace, paces } from "../preferences.ts";
import { useServices, useStore } from "../services.tsx";
import { Icon } from "./icon.tsx";

const alphabetNames: Record<Alphabet, string> = { IPA: "IPA", respelling: "Plain letters", ARPABET: "ARPAbet" };
const paceNames: Record<Pace, string> = { live: "Live", word: "Word by word", sentence: "At the end" };
const languages = Object.entries(firstLanguages) as [FirstLanguage, string][];

/** How one likes to practise: a button, and what it opens. */
export function DrillSettings() {
  const { preferences } = useServices();
  const { alphabet, pace, firstLanguage } = useStore(preferences);
  const id = useId();
  return (
    <>
      <button type="button" className="button button-round button-quiet" popoverTarget={id} aria-label="Settings">
        <Icon name="settings" />
      </button>
      <div id={id} popover="auto" className="settings card" role="dialog" aria-label="Settings">
        <Choice
          legend="Sounds are written in"
          names={alphabetNames}
          values={alphabets}
          value={alphabet}
          onChange={(chosen) => preferences.change({ alphabet: chosen })}
        />
        <Choice
          legend="Judgements are shown"
          names={paceNames}
          values={paces}
          value={pace}
          onChange={(chosen) => preferences.change({ pace: chosen })}
        />
        <div className="field">
          <label htmlFor={`${id}-language`}>My first language</label>
          <select
            id={`${id}-language`}
            value={firstLanguage ?? ""}
            onChange={({ target }) =>
              preferences.change({ firstLanguage: languages.find(([code]) => code === target.value)?.[0] ?? null })
            }
          >
            <option value="">Another one</option>
            {languages.map(([code, name]) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </select>
          <p className="hint">Its usual confusions are thought of first. They count from the next reading on.</p>
        </div>
        <button type="button" className="button button-small" popoverTarget={id} popoverTargetAction="hide">
          Done
        </button>
      </div>
    </>
  );
}

function Choice<T extends string>({
  legend,
  names,
  values,
  value,
  onChange,
}: {
  legend: string;
  names: Record<T, string>;
  values: readonly T[];
  value: T;
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend>{legend}</legend>
      <div className="segments">
        {values.map((each) => (
          <label key={each}>
            <input type="radio" name={name} checked={each === value} onChange={() => onChange(each)} />
            <span>{names[each]}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
