import type { Drills, Learner } from "../../drills/drills.ts";
import type { CallContext, HandlersOf } from "../handler.ts";

/** The `drill.…` calls; frames go to `Drills.frame`, lost connections to `Drills.disconnected`. */
export function drillHandlers(drills: Drills): HandlersOf<"drill"> {
  return {
    "drill.languages": () => drills.languages(),
    "drill.list": (request) => drills.list(request),
    "drill.start": (request, context) => drills.start(learnerOf(context), request),
    "drill.finish": (request, context) => drills.finish(learnerOf(context), request.attemptId),
    "drill.cancel": (request, context) => drills.cancel(learnerOf(context), request.attemptId),
    "drill.history": (request, context) => drills.history(learnerOf(context), request),
    "drill.attempt": (request, context) => drills.attempt(learnerOf(context), request.attemptId),
  };
}

function learnerOf(context: CallContext): Learner {
  return { userId: context.user.id, connectionId: context.connectionId };
}
