import type { CallRequest } from "#protocol";
import type { ScoreEvent } from "./ports.ts";

export type FeedbackPace = CallRequest<"drill.start">["feedback"];

/**
 * What is told of a reading at the pace that the learner wants: everything at once (`live`), the final judgements of a
 * word's phones together once the word is judged (`word`), or the result alone (`sentence`).
 */
export function feedbackAt(pace: FeedbackPace, tell: (event: ScoreEvent) => void): (event: ScoreEvent) => void {
  if (pace === "live") return tell;
  /** Of the word that is being read. */
  let held: ScoreEvent[] = [];
  return (event) => {
    if (event.type === "result" || event.type === "unheard") tell(event);
    else if (pace === "sentence" || (event.type === "phoneme" && !event.final)) return;
    else if (event.type === "phoneme") held.push(event);
    else {
      for (const phone of held) tell(phone);
      held = [];
      tell(event);
    }
  };
}
