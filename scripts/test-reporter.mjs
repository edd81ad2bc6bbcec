// A node:test reporter: one JSON line per finished test, for scripts/suites.ts to add up.
import { inspect } from "node:util";

/** @param {AsyncIterable<{ type: string, data: any }>} events */
async function* reporter(events) {
  for await (const { type, data } of events) {
    if ((type !== "test:pass" && type !== "test:fail") || data.details?.type === "suite") continue;
    const error = data.details?.error;
    // A test fails along with its subtests, which are told already.
    if (error?.failureType === "subtestsFailed") continue;
    const skipped = data.skip !== undefined || data.todo !== undefined;
    const line = {
      outcome: skipped ? "skipped" : type === "test:pass" ? "passed" : "failed",
      name: data.name,
      reason: [data.skip, data.todo].find((text) => typeof text === "string") ?? "",
      error: type === "test:fail" ? inspect(error?.cause ?? error, { depth: 4 }) : "",
    };
    yield `${JSON.stringify(line)}\n`;
  }
}

// biome-ignore lint/style/noDefaultExport: node:test takes a reporter from the default export
export { reporter as default };
