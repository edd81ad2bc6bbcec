import { useId } from "react";
import type { Language } from "#protocol";
import { useServices, useStore } from "../services.tsx";

/** The language one practises: the one chosen before, where this server has it. */
export function usePractised(): { language: string; offered: readonly Language[] } {
  const { languages, preferences } = useServices();
  const offered = useStore(languages);
  const { language } = useStore(preferences);
  const known = offered.length === 0 || offered.some((each) => each.language === language);
  return { language: known ? language : "en", offered };
}

/** Chooses among the languages that can be practised; nothing where there is but one. */
export function LanguageChoice() {
  const { preferences } = useServices();
  const { language, offered } = usePractised();
  const name = useId();
  if (offered.length < 2) return null;
  const chosen = offered.find((each) => each.language === language);
  return (
    <div className="language-choice">
      <fieldset className="segments segments-fit">
        <legend className="hidden">Language</legend>
        {offered.map((each) => (
          <label key={each.language}>
            <input
              type="radio"
              name={name}
              checked={each.language === language}
              onChange={() => preferences.change({ language: each.language })}
            />
            <span>{each.name}</span>
          </label>
        ))}
      </fieldset>
      {chosen?.quality.basis === "synthetic" && (
        <p className="hint">Its judgements were checked on synthetic voices only: take them as hints.</p>
      )}
    </div>
  );
}
