import { useMemo, useState } from "react";
import { drillWordOf } from "#client";
import type { Attempt, AttemptSummary } from "#protocol";
import { type Selection, wasRead, worstSound } from "../judgement.ts";
import { DrillVerdict } from "../parts/drill-verdict.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { Blank, Failure, Waiting } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { LaneLegend, PhonemeLane } from "../parts/phoneme-lane.tsx";
import { SoundCard } from "../parts/sound-card.tsx";
import { useServices } from "../services.tsx";
import { useSoundNames } from "../sound-names.ts";
import { useCall } from "../use-call.ts";
import { fullTime, shortTime } from "../words.ts";

const PAGE = 30;

export function HistoryPage({ attemptId }: { attemptId: string | null }) {
  return attemptId === null ? <Attempts /> : <OneAttempt attemptId={attemptId} />;
}

function Attempts() {
  const { connection } = useServices();
  const { data, error, reload } = useCall("drill.history", { limit: PAGE });
  const [older, setOlder] = useState<AttemptSummary[]>([]);
  const [moreError, setMoreError] = useState<unknown>();
  const [ended, setEnded] = useState(false);
  const attempts = data && [...data.attempts, ...older];
  const oldest = attempts?.at(-1);

  async function more() {
    if (!oldest) return;
    try {
      const next = await connection.call("drill.history", { beforeMs: oldest.startedAtMs, limit: PAGE });
      setOlder((kept) => [...kept, ...next.attempts]);
      setEnded(next.attempts.length < PAGE);
      setMoreError(undefined);
    } catch (problem) {
      setMoreError(problem);
    }
  }

  return (
    <>
      <PageHead title="History" lead="What you have read aloud, the newest first." />
      {error && !data ? <Failure error={error} onRetry={reload} /> : null}
      {!data && !error && <Waiting what="Fetching your attempts…" />}
      {attempts?.length === 0 && (
        <Blank title="No attempts yet.">
          <p>Read a sentence aloud, and its result is kept here.</p>
          <Link to={{ page: "practice" }} className="button button-main">
            To the practice
          </Link>
        </Blank>
      )}
      {attempts && attempts.length > 0 && (
        <ul className="list card">
          {attempts.map((attempt) => (
            <li key={attempt.id}>
              <Link to={{ page: "history", attemptId: attempt.id }} className="row">
                <Score attempt={attempt} />
                <span className="row-main">
                  <span className="row-title">{attempt.text}</span>
                  <span className="hint">{outcomeNote(attempt)}</span>
                </span>
                <time className="hint" dateTime={new Date(attempt.startedAtMs).toISOString()}>
                  {shortTime(attempt.startedAtMs)}
                </time>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {moreError ? <Failure error={moreError} /> : null}
      {data && data.attempts.length === PAGE && !ended && (
        <button type="button" className="button more" onClick={more}>
          Show older ones
        </button>
      )}
    </>
  );
}

function Score({ attempt }: { attempt: AttemptSummary }) {
  const heard = wasRead(attempt);
  return (
    <span className="score-badge">
      {heard ? Math.round(attempt.pronunciation) : "–"}
      <span className="hidden">{heard ? " of 100. " : "not judged. "}</span>
    </span>
  );
}

function outcomeNote(attempt: AttemptSummary): string {
  switch (attempt.outcome) {
    case "scored":
      return `Accuracy ${Math.round(attempt.accuracy)}, fluency ${Math.round(attempt.fluency)}`;
    case "incomplete":
      return `Stopped early. Accuracy ${Math.round(attempt.accuracy)}`;
    case "silence":
      return "Nothing was heard";
    case "mismatch":
      return "Something else was said";
  }
}

function OneAttempt({ attemptId }: { attemptId: string }) {
  const { data, error, reload } = useCall("drill.attempt", { attemptId });
  const attempt = data?.attempt;
  return (
    <>
      <PageHead
        title="Attempt"
        lead={attempt && fullTime(attempt.startedAtMs)}
        back={
          <Link
            to={{ page: "history", attemptId: null }}
            className="button button-round button-quiet"
            aria-label="Back to the history"
          >
            <Icon name="back" />
          </Link>
        }
      >
        {attempt && (
          <Link
            to={
              attempt.drillId
                ? { page: "drill", drillId: attempt.drillId }
                : { page: "ownText", text: attempt.text, of: null, language: attempt.language }
            }
            className="button"
          >
            <Icon name="again" />
            Read it again
          </Link>
        )}
      </PageHead>
      {error && !data ? <Failure error={error} onRetry={reload} /> : null}
      {!data && !error && <Waiting what="Fetching the attempt…" />}
      {attempt && <Judged attempt={attempt} />}
    </>
  );
}

function Judged({ attempt }: { attempt: Attempt }) {
  const names = useSoundNames(attempt.language);
  const words = useMemo(() => attempt.words.map(drillWordOf), [attempt]);
  const [choice, setChoice] = useState<Selection | null>(null);
  const selected = choice ?? worstSound(words) ?? { word: 0, phone: null };
  const readable = wasRead(attempt);
  return (
    <div className="drill">
      <PhonemeLane
        words={words}
        language={attempt.language}
        names={names}
        selected={readable ? selected : null}
        onSelect={readable ? setChoice : undefined}
      />
      <LaneLegend />
      <div className="drill-outcome">
        <DrillVerdict
          result={attempt}
          words={words}
          names={names}
          practise={(text) => ({ page: "ownText", text, of: attempt.drillId, language: attempt.language })}
        />
        {readable && <SoundCard words={words} selection={selected} recording={null} language={attempt.language} />}
      </div>
    </div>
  );
}
