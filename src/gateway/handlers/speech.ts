import type { Speech } from "../../drills/speech.ts";
import type { HandlersOf } from "../handler.ts";

/** The `speech.…` calls; frames go to `Speech.frame`, lost connections to `Speech.disconnected`. */
export function speechHandlers(speech: Speech): HandlersOf<"speech"> {
  return {
    "speech.start": (request, { user, connectionId }) => speech.start({ userId: user.id, connectionId }, request),
    "speech.stop": (request, { connectionId }) => speech.stop(connectionId, request.speechId),
  };
}
