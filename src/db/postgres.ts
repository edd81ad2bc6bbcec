import { type Dialect, PostgresDialect, type PostgresPoolClient } from "kysely";
import pg from "pg";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";

const INT8 = 20;
/** SQLSTATE classes of a server that is going away, coming up, or has no connection left. */
const GONE = /^(08|53300|57P0)/;

/**
 * PostgreSQL by a pool of connections. While it can't be reached, and when none is free within 5 s, queries fail with
 * AppError UNAVAILABLE.
 */
export function postgresDialect(
  connectionString: string,
  { log, metrics }: { log: Logger; metrics: Metrics | undefined },
): Dialect {
  const pool = new pg.Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: 5_000,
    // A process that is cut off in a transaction must not hold a conversation's row for ever.
    idle_in_transaction_session_timeout: 10_000,
    types: {
      // Our bigints are ms since 1970 and seqs, far below 2^53.
      getTypeParser: (oid: number, format?: "text" | "binary") =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as "text"),
    },
  });
  metrics?.gauge("db_connections", "Connections to PostgreSQL.", () => pool.totalCount);
  metrics?.gauge("db_waiting", "Queries that wait for a connection, for at most 5 s.", () => pool.waitingCount);
  pool.on("error", (error) => log.warn({ err: error }, "an idle database connection was lost"));
  let down = false;
  const unavailable = (error: unknown): never => {
    // Once per outage: every call of everybody comes by here.
    if (!down) log.error({ err: error }, "the database is unreachable");
    down = true;
    throw Object.assign(new AppError("UNAVAILABLE"), { cause: error });
  };
  const connect = async (): Promise<PostgresPoolClient> => {
    const client = await pool.connect().catch(unavailable);
    if (down) log.info("the database is back");
    down = false;
    // All of a client that Kysely uses.
    return {
      query: (text: string, parameters: readonly unknown[]) =>
        client.query(text, parameters as unknown[]).catch((error) => {
          if (isLost(error)) unavailable(error);
          throw error;
        }),
      release: (destroy?: boolean) => client.release(destroy),
    } as unknown as PostgresPoolClient;
  };
  return new PostgresDialect({ pool: { options: pool.options, end: () => pool.end(), connect } });
}

function isLost(error: Error & { code?: string }): boolean {
  return error instanceof pg.DatabaseError ? GONE.test(error.code ?? "") : true;
}
