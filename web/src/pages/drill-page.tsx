import { useEffect, useMemo, useRef } from "react";
import type { DrillItem } from "#protocol";
import { DrillVerdict, verdictInWords } from "../parts/drill-verdict.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { MicrophoneNotice } from "../parts/microphone-notice.tsx";
import { Failure, Waiting } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { LaneLegend, PhonemeLane, wordInWords } from "../parts/phoneme-lane.tsx";
import { MuteButton } from "../parts/room-dock.tsx";
import { Reading } from "../reading.ts";
import { useServices, useStore } from "../services.tsx";
import { useCall } from "../use-call.ts";

type Target = { drillId: string; ownText?: undefined } | { ownText: string; drillId?: undefined };

export function DrillPage({ drillId, ownText }: Target) {
  const { data, error, reload } = useCall("drill.list", {});
  const item = data?.drills.find(({ id }) => id === drillId);
  const at = item && data ? data.drills.indexOf(item) : -1;
  const next = at >= 0 ? data?.drills[at + 1] : undefined;
  const text = ownText ?? item?.text;
  return (
    <>
      <PageHead
        title={item ? item.focus : "Your sentence"}
        lead={item ? `Level ${item.level}` : undefined}
        back={
          <Link
            to={{ page: "practice" }}
            className="button button-round button-quiet"
            aria-label="Back to the sentences"
          >
            <Icon name="back" />
          </Link>
        }
      />
      {drillId && error && !data ? <Failure error={error} onRetry={reload} /> : null}
      {drillId && !data && !error && <Waiting what="Fetching the sentence…" />}
      {drillId && data && !item && <p className="notice">This sentence is no longer on offer.</p>}
      {text !== undefined && <ReadAloud text={text} drillId={drillId} next={next} />}
    </>
  );
}

function ReadAloud({
  text,
  drillId,
  next,
}: {
  text: string;
  drillId?: string | undefined;
  next?: DrillItem | undefined;
}) {
  const { connection, link } = useServices();
  const reading = useMemo(() => new Reading(connection, drillId ? { drillId } : { text }), [connection, drillId, text]);
  useEffect(() => () => reading.close(), [reading]);
  const { phase, words, currentWord, result, error, trouble, level } = useStore(reading);
  const plain = useMemo(() => text.split(/\s+/).map((word) => ({ text: word, phones: [] })), [text]);
  const verdict = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (result) verdict.current?.scrollIntoView({ block: "nearest" });
  }, [result]);
  return (
    <div className="drill">
      <PhonemeLane words={words ?? plain} current={phase === "listening" ? currentWord : undefined} />
      <LaneLegend />
      <div className="drill-actions">
        <MainButton reading={reading} connected={link.kind === "connected"} />
        {phase === "listening" && (
          <>
            <span className="mic-level" aria-hidden="true">
              <span style={{ width: `${level * 100}%` }} />
            </span>
            <button type="button" className="button button-quiet" onClick={() => reading.cancel()}>
              Cancel
            </button>
          </>
        )}
        {phase === "over" && next && (
          <Link to={{ page: "drill", drillId: next.id }} className="button">
            Next sentence
          </Link>
        )}
      </div>
      <p className="hint" role="status">
        {phase === "asking" && "Waiting for your microphone…"}
        {phase === "listening" && "Listening. Read the sentence aloud."}
        {phase === "finishing" && "Judging the last sounds…"}
      </p>
      <Spoken reading={reading} />
      <Overheard />
      {trouble && <MicrophoneNotice trouble={trouble} onRetry={() => reading.start()} />}
      {error ? <Failure error={error} /> : null}
      {result && (
        <div ref={verdict}>
          <DrillVerdict result={result} />
        </div>
      )}
    </div>
  );
}

/** One button through all phases, so that the keyboard's focus has a steady place. */
function MainButton({ reading, connected }: { reading: Reading; connected: boolean }) {
  const { phase } = useStore(reading);
  switch (phase) {
    case "idle":
    case "over": {
      return (
        <button type="button" className="button button-main" disabled={!connected} onClick={() => reading.start()}>
          <Icon name={phase === "idle" ? "practice" : "again"} />
          {phase === "idle" ? "Start speaking" : "Read it again"}
        </button>
      );
    }
    case "listening":
      return (
        <button type="button" className="button button-main" onClick={() => reading.finish()}>
          <Icon name="stop" />
          I'm done
        </button>
      );
    case "asking":
    case "finishing":
      // Not `disabled`: that would throw the focus away.
      return (
        <button type="button" className="button button-main" aria-disabled="true">
          <span className="waiting waiting-small" aria-hidden="true" />
          {phase === "asking" ? "One moment…" : "Judging…"}
        </button>
      );
  }
}

/** Who is in a room reads to the room as well, unless muted there. */
function Overheard() {
  const { voice } = useServices();
  const { stay, microphone } = useStore(voice);
  if (!stay || microphone !== "on") return null;
  return (
    <div className="notice">
      <p>You are in a room with your microphone on: the others hear you read, unless you mute it there.</p>
      <MuteButton stay={stay} small />
    </div>
  );
}

/** Speaks judged words politely, each once. */
function Spoken({ reading }: { reading: Reading }) {
  const { words, result } = useStore(reading);
  const judged = (words ?? []).filter((word) => word.judged);
  return (
    <div className="hidden" aria-live="polite" aria-relevant="additions">
      {judged.map((word, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: judged words only ever follow each other
        <p key={at}>{`${word.text}: ${wordInWords(word)}`}</p>
      ))}
      {result && <p>{verdictInWords(result)}</p>}
    </div>
  );
}
