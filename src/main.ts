import { ConfigError, parseConfig } from "./config.ts";
import { DataDirLocked } from "./db/data-dir-lock.ts";
import { createLogger } from "./lib/logger.ts";
import { createServer } from "./server.ts";

/** The composition root: alone in reading the environment and signals. */
async function main(): Promise<void> {
  const config = parseConfig(process.env);
  const log = createLogger(config.LOG_LEVEL);
  const server = await createServer(config, { log });
  console.log(`Parlance is ready at ${server.url}`);

  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      log.warn({ signal }, "second signal: leaving at once");
      process.exit(1);
    }
    stopping = true;
    log.info({ signal }, "draining");
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, "stop failed");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError) console.error(`Parlance can't start with this configuration:\n${error.message}`);
  else if (error instanceof DataDirLocked) console.error(`Parlance can't start: ${error.message}`);
  else console.error(error);
  process.exit(1);
});
