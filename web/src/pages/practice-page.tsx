import { type FormEvent, useId, useState } from "react";
import { type DrillItem, limits } from "#protocol";
import { ForYou } from "../parts/for-you.tsx";
import { Icon } from "../parts/icon.tsx";
import { LanguageChoice, usePractised } from "../parts/language-choice.tsx";
import { Link } from "../parts/link.tsx";
import { Blank, Failure, Waiting } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { navigate } from "../router.ts";
import { useCall } from "../use-call.ts";

export function PracticePage() {
  const { language } = usePractised();
  const { data, error, reload } = useCall("drill.list", { language });
  const [level, setLevel] = useState<string | null>(null);
  const levels = [...new Set(data?.drills.map((drill) => drill.level))].sort();
  const drills = data?.drills.filter((drill) => level === null || drill.level === level);
  return (
    <>
      <PageHead title="Practice" lead="Read a sentence aloud. Each sound is judged while you speak." />
      <LanguageChoice />
      <OwnText language={language} />
      <ForYou language={language} />
      {error && !data ? <Failure error={error} onRetry={reload} /> : null}
      {!data && !error && <Waiting what="Fetching sentences…" />}
      {data && drills && (
        <section className="stack" aria-label="Sentences">
          {levels.length > 1 && (
            <fieldset className="segments segments-fit">
              <legend className="hidden">Level</legend>
              {[null, ...levels].map((each) => (
                <label key={each ?? "all"}>
                  <input type="radio" name="level" checked={each === level} onChange={() => setLevel(each)} />
                  <span>{each ?? "All"}</span>
                </label>
              ))}
            </fieldset>
          )}
          {drills.length === 0 ? <Blank title="There are no sentences here yet." /> : <DrillList drills={drills} />}
        </section>
      )}
    </>
  );
}

function DrillList({ drills }: { drills: DrillItem[] }) {
  return (
    <ul className="list card">
      {drills.map(({ id, language, text, level, focus }) => (
        <li key={id}>
          <Link to={{ page: "drill", drillId: id }} className="row">
            <span className="row-main">
              <span className="row-title" lang={language}>
                {text}
              </span>
              <span className="hint">{focus}</span>
            </span>
            <span className="tag">{level}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function OwnText({ language }: { language: string }) {
  const id = useId();
  const start = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("text") ?? "").trim();
    if (text) navigate({ page: "ownText", text, of: null, language });
  };
  return (
    <form className="own-text" onSubmit={start}>
      <label htmlFor={id} className="hidden">
        A sentence of your own
      </label>
      <input
        id={id}
        name="text"
        className="input"
        maxLength={limits.drillText}
        placeholder="Or type a sentence of your own"
        required
      />
      <button type="submit" className="button">
        <Icon name="practice" />
        Practise it
      </button>
    </form>
  );
}
