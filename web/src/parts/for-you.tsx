import type { PracticeTarget } from "#protocol";
import { soundName } from "../judgement.ts";
import { useSoundNames } from "../sound-names.ts";
import { useCall } from "../use-call.ts";
import { counted } from "../words.ts";
import { Link } from "./link.tsx";

/** What to practise next, made from what went worst. Nothing where that is not known: the page is useful without. */
export function ForYou({ language }: { language: string }) {
  const { data } = useCall("practice.list", { language });
  if (!data || data.targets.length === 0) return null;
  return (
    <section className="for-you" aria-labelledby="for-you">
      <h2 id="for-you">For you</h2>
      {data.targets.map((target, at) => (
        <Target key={target.phone} target={target} language={language} open={at === 0} />
      ))}
    </section>
  );
}

function Target({
  target: { phone, score, count, heard, drills, words, pairs },
  language,
  open,
}: {
  target: PracticeTarget;
  language: string;
  open: boolean;
}) {
  const names = useSoundNames(language);
  const rival = heard === null ? undefined : names.example(heard);
  const ownText = (text: string) => ({ page: "ownText", text, of: null, language }) as const;
  return (
    <details className="target card" open={open}>
      <summary className="row">
        <span className="tile sound-choice-sign" aria-hidden="true">
          {names.sign(phone)}
        </span>
        <span className="row-main">
          <span>{soundName(names, phone)}</span>
          <span className="hint">
            {Math.round(score)} of 100, said {counted(count, "time")}
            {rival && `; often like the one in “${rival}”`}
          </span>
        </span>
      </summary>
      <ul className="target-list">
        {words.length > 0 && (
          <li>
            <Link to={ownText(words.join(", "))} className="row">
              <span className="row-main">
                <span className="row-title">{words.join(", ")}</span>
                <span className="hint">Words</span>
              </span>
            </Link>
          </li>
        )}
        {pairs.length > 0 && (
          <li>
            <Link to={ownText(pairs.map((pair) => pair.join(" ")).join(", "))} className="row">
              <span className="row-main">
                <span className="row-title">{pairs.map((pair) => pair.join(" – ")).join(", ")}</span>
                <span className="hint">Tell them apart</span>
              </span>
            </Link>
          </li>
        )}
        {drills.map(({ id, text, level }) => (
          <li key={id}>
            <Link to={{ page: "drill", drillId: id }} className="row">
              <span className="row-main">
                <span className="row-title">{text}</span>
              </span>
              <span className="tag">{level}</span>
            </Link>
          </li>
        ))}
      </ul>
    </details>
  );
}
