import type { SignedIn } from "#protocol";
import { memoryTokenStorage, type TokenStorage } from "./token-storage.ts";

/**
 * Tokens in the browser's localStorage, shared by all tabs of the page; in memory where the browser denies it.
 *
 * A tab may see another tab's write to localStorage some milliseconds late, even when it took a lock after it: enough to use
 * a refresh token twice. So the newest pair is in IndexedDB as well, where what was committed is seen by all.
 */
export function browserTokenStorage(key = "parlance.session"): TokenStorage {
  try {
    localStorage.getItem(key);
  } catch {
    return memoryTokenStorage();
  }
  const load = () => parsed(localStorage.getItem(key));
  const save = (tokens: SignedIn) => localStorage.setItem(key, JSON.stringify(tokens));
  return {
    load,
    save,
    clear() {
      localStorage.removeItem(key);
      void inStore("readwrite", (store) => store.delete(key)).catch(() => undefined);
    },
    async renew(refresh) {
      const run = async () => {
        const fresh = await refresh(await newest(key));
        await keepNewest(key, fresh);
        return fresh;
      };
      // Web Locks exist only in secure contexts; elsewhere two tabs may refresh at once, and then one signs in again.
      return navigator.locks ? await navigator.locks.request(key, run) : await run();
    },
    onChange(listener) {
      const hear = (event: StorageEvent) => {
        if (event.key === key || event.key === null) listener();
      };
      addEventListener("storage", hear);
      return () => removeEventListener("storage", hear);
    },
  };
}

function parsed(text: string | null): SignedIn | undefined {
  if (text === null) return undefined;
  try {
    return JSON.parse(text) as SignedIn;
  } catch {
    return undefined;
  }
}

const STORE = "newest";

function newest(key: string): Promise<SignedIn | undefined> {
  return inStore("readonly", (store) => store.get(key)).catch(() => undefined);
}

function keepNewest(key: string, tokens: SignedIn): Promise<unknown> {
  return inStore("readwrite", (store) => store.put(tokens, key)).catch(() => undefined);
}

/** Resolves once the transaction is committed. */
async function inStore<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opening = indexedDB.open("parlance", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await settled(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const asked = act(transaction.objectStore(STORE));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    return asked.result;
  } finally {
    database.close();
  }
}

function settled<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}
