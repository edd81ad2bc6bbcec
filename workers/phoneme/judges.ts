import type { Head } from "./head.ts";
import type { Refiner } from "./refiner.ts";

/** What judges phones as they are said. */
export type PhoneJudge = Pick<Head, "take" | "provisional" | "final" | "word">;

/** What judges the whole reading. */
export type SentenceJudge = Pick<Refiner, "judge">;
