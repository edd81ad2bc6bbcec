import type { Practice } from "../../drills/practice.ts";
import type { HandlersOf } from "../handler.ts";

/** The `practice.…` calls. */
export function practiceHandlers(practice: Practice): HandlersOf<"practice"> {
  return {
    "practice.progress": (request, { user }) => practice.progress(user.id, request),
    "practice.list": (request, { user }) => practice.list(user.id, request),
  };
}
