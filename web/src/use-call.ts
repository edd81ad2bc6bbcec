import { useCallback, useEffect, useState } from "react";
import type { CallInput, CallName, CallReply } from "#protocol";
import { useServices } from "./services.tsx";

export type Loaded<T> = {
  /** The last answer; it stays while a newer one is on its way. */
  data: T | undefined;
  error: unknown;
  reload: () => void;
};

/**
 * Asks the server as soon as one is connected, and again on each reconnect and on `reload`.
 * @param options.everyMs asks again in this rhythm while the page is visible
 */
export function useCall<C extends CallName>(
  name: C,
  input: CallInput<C>,
  options: { everyMs?: number } = {},
): Loaded<CallReply<C>> {
  const { connection, link } = useServices();
  const [answer, setAnswer] = useState<{ key: string; data?: CallReply<C>; error?: unknown }>({ key: "" });
  const [round, setRound] = useState(0);
  const key = JSON.stringify([name, input]);
  const connected = link.kind === "connected";
  const { everyMs } = options;
  const reload = useCallback(() => setRound((n) => n + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for name and input, a new round asks again
  useEffect(() => {
    if (!connected) return;
    let stale = false;
    connection.call(name, input).then(
      (data) => !stale && setAnswer({ key, data }),
      (error) => !stale && setAnswer((last) => ({ ...(last.key === key && last), key, error })),
    );
    return () => {
      stale = true;
    };
  }, [connection, connected, key, round]);

  useEffect(() => {
    if (!everyMs) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, reload]);

  const current = answer.key === key ? answer : undefined;
  return { data: current?.data, error: current?.error, reload };
}
