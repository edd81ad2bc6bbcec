import { useEffect, useMemo, useRef, useState } from "react";
import type { DrillWord } from "#client";
import type { DrillItem, UnheardReason } from "#protocol";
import { type Selection, wasRead, wordInWords, worstSound } from "../judgement.ts";
import { DrillSettings } from "../parts/drill-settings.tsx";
import { DrillVerdict, verdictInWords } from "../parts/drill-verdict.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { MicrophoneNotice } from "../parts/microphone-notice.tsx";
import { Failure, Waiting } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { LaneLegend, PhonemeLane } from "../parts/phoneme-lane.tsx";
import { MuteButton } from "../parts/room-dock.tsx";
import { SoundCard } from "../parts/sound-card.tsx";
import { VoiceStrip } from "../parts/voice-strip.tsx";
import { Reading } from "../reading.ts";
import type { Route } from "../router.ts";
import { useServices, useStore } from "../services.tsx";
import { type SoundNames, useSoundNames } from "../sound-names.ts";
import { useCall } from "../use-call.ts";

/** A sentence of the list, or a text: one's own, or a part (`of`) of a sentence of the list. */
type Target =
  | { drillId: string; text?: undefined; of?: undefined; language?: undefined }
  | { text: string; of: string | null; language: string; drillId?: undefined };

export function DrillPage({ drillId, text: own, of, language }: Target) {
  const { data, error, reload } = useCall("drill.list", {});
  const item = data?.drills.find(({ id }) => id === (drillId ?? of));
  const at = item && data ? data.drills.indexOf(item) : -1;
  const following = data?.drills[at + 1];
  const next = item && following?.language === item.language ? following : undefined;
  const text = own ?? item?.text;
  const partOf = own !== undefined && item ? item : undefined;
  const back: Route = partOf ? { page: "drill", drillId: partOf.id } : { page: "practice" };
  return (
    <>
      <PageHead
        title={own === undefined ? (item?.focus ?? "Sentence") : partOf ? "A part of the sentence" : "Your sentence"}
        lead={partOf ? partOf.text : item && `Level ${item.level}`}
        back={
          <Link
            to={back}
            className="button button-round button-quiet"
            aria-label={partOf ? "Back to the sentence" : "Back to the sentences"}
          >
            <Icon name="back" />
          </Link>
        }
      >
        <DrillSettings />
      </PageHead>
      {drillId && error && !data ? <Failure error={error} onRetry={reload} /> : null}
      {drillId && !data && !error && <Waiting what="Fetching the sentence…" />}
      {drillId && data && !item && <p className="notice">This sentence is no longer on offer.</p>}
      {text !== undefined && (
        <ReadAloud
          text={text}
          language={language ?? item?.language ?? "en"}
          drillId={drillId}
          next={partOf ?? next}
          whole={drillId ?? of ?? null}
        />
      )}
    </>
  );
}

const unheardHints: Record<UnheardReason, string> = {
  silence: "Nothing is heard yet. Is this the right microphone?",
  tooQuiet: "You are hard to hear. Come closer to the microphone.",
  clipping: "That is too loud. Move back from the microphone a little.",
  noise: "There is a lot of noise. Find a quieter place, or come closer to the microphone.",
};

function ReadAloud({
  text,
  language,
  drillId,
  next,
  whole,
}: {
  text: string;
  language: string;
  drillId?: string | undefined;
  /** Where one goes on from here. */
  next?: DrillItem | undefined;
  /** The sentence of the list that parts of this one belong to. */
  whole: string | null;
}) {
  const { connection, link, preferences, player } = useServices();
  const { pace } = useStore(preferences);
  const names = useSoundNames(language);
  const reading = useMemo(
    () => new Reading(connection, drillId ? { drillId } : { text, language }, preferences),
    [connection, drillId, text, language, preferences],
  );
  useEffect(
    () => () => {
      reading.close();
      player.stop();
    },
    [reading, player],
  );
  const { phase, words, currentWord, result, error, trouble, recording, unheard } = useStore(reading);
  const plain = useMemo<DrillWord[]>(() => text.split(/\s+/).map((word) => ({ text: word, phones: [] })), [text]);
  const lane = words ?? plain;

  // What one chose belongs to one result; until then it is what needs work most.
  const [choice, setChoice] = useState<{ of: unknown; selection: Selection } | null>(null);
  const worst = useMemo(() => (result ? (worstSound(lane) ?? { word: 0, phone: null }) : null), [result, lane]);
  const selected = choice && choice.of === result ? choice.selection : worst;
  const select = (selection: Selection, by: "press" | "move") => {
    setChoice({ of: result, selection });
    if (by === "move") return;
    playSelected(selection);
    card.current?.scrollIntoView({ block: "nearest" });
  };
  const playSelected = ({ word, phone }: Selection) => {
    const said = phone === null ? lane[word]?.judged : lane[word]?.phones[phone]?.judged;
    if (said && recording) player.playPart(phone === null ? "own word" : "own sound", recording, said);
  };

  const live = phase === "listening" || phase === "finishing";
  const card = useRef<HTMLDivElement>(null);
  const verdict = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Its head alone: the sentence stays in sight where there is room.
    if (result) verdict.current?.querySelector(".verdict-praise")?.scrollIntoView({ block: "nearest" });
  }, [result]);
  return (
    <div className="drill">
      <PhonemeLane
        words={lane}
        language={language}
        names={names}
        current={phase === "listening" && pace !== "sentence" ? currentWord : undefined}
        selected={selected}
        onSelect={result && wasRead(result) ? select : undefined}
      />
      <LaneLegend />
      <div className="drill-stage" data-live={live || undefined}>
        <VoiceStrip
          recording={recording}
          words={lane}
          live={live}
          names={names}
          selected={selected}
          onSelect={select}
        />
        <div className="drill-actions">
          <MainButton reading={reading} connected={link.kind === "connected"} />
          {phase === "listening" && (
            <button type="button" className="button button-quiet" onClick={() => reading.cancel()}>
              Cancel
            </button>
          )}
          {phase === "over" && next && (
            <Link to={{ page: "drill", drillId: next.id }} className="button">
              {drillId ? "Next sentence" : "The whole sentence"}
            </Link>
          )}
          <p className="hint" role="status">
            {phase === "asking" && "Waiting for your microphone…"}
            {phase === "listening" && (unheard ? unheardHints[unheard] : "Listening. Read the sentence aloud.")}
            {phase === "finishing" && "Judging the last sounds…"}
          </p>
        </div>
      </div>
      <Spoken reading={reading} names={names} />
      <Overheard />
      {trouble && <MicrophoneNotice trouble={trouble} onRetry={() => reading.start()} />}
      {error ? <Failure error={error} /> : null}
      {result && (
        <div className="drill-outcome" ref={verdict}>
          <DrillVerdict
            result={result}
            words={lane}
            names={names}
            practise={(part) => ({ page: "ownText", text: part, of: whole, language })}
          />
          {wasRead(result) && selected && (
            <div ref={card}>
              <SoundCard words={lane} selection={selected} recording={recording} language={language} />
            </div>
          )}
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
function Spoken({ reading, names }: { reading: Reading; names: SoundNames }) {
  const { words, result } = useStore(reading);
  const judged = (words ?? []).filter((word) => word.judged);
  return (
    <div className="hidden" aria-live="polite" aria-relevant="additions">
      {judged.map((word, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: judged words only ever follow each other
        <p key={at}>{`${word.text}: ${wordInWords(names, word)}`}</p>
      ))}
      {result && <p>{verdictInWords(result)}</p>}
    </div>
  );
}
