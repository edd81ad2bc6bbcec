import { ConfigError, parseConfig } from "./config.ts";
import { createLogger } from "./lib/logger.ts";
import { createServer } from "./server.ts";

/** The composition root: alone in reading the environment and signals. */
async function main(): Promise<void> {
  const config = parseConfig(process.env);
  const log = createLogger(config.LOG_LEVEL);
  const starting = createServer(config, { log });

  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) {
      log.warn({ signal }, "second signal: leaving at once");
      process.exit(1);
    }
    stopping = true;
    log.info({ signal }, "draining");
    // A start that fails is told below.
    const server = await starting.catch(() => undefined);
    if (!server) return;
    try {
      await server.stop();
      process.exit(0);
    } catch (error) {
      log.fatal({ err: error }, "stop failed");
      process.exit(1);
    }
  };
  // Before the address is printed: who reads it may send a signal the moment after.
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  try {
    const server = await starting;
    console.log(`Parlance is ready at ${server.url}`);
  } catch (error) {
    log.debug({ err: error }, "the start failed");
    throw error;
  }
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ConfigError) console.error(`Parlance can't start with this configuration:\n${message}`);
  else console.error(`Parlance can't start: ${message}\n(LOG_LEVEL=debug says more.)`);
  process.exit(1);
});
