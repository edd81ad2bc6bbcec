import type { SignedIn } from "#protocol";

/** Where tokens are kept between visits. */
export interface TokenStorage {
  load(): SignedIn | undefined;
  save(tokens: SignedIn): void;
  clear(): void;
  /**
   * For a storage that several share, tabs say: runs one `refresh` at a time among them, given the newest pair that any of them
   * has got, which another one may have fetched just now. Of the refresh tokens only the newest is sure to work.
   */
  renew?(refresh: (newest: SignedIn | undefined) => Promise<SignedIn>): Promise<SignedIn>;
  /** Calls back when somebody else changed what is kept. Returns how to stop. */
  onChange?(listener: () => void): () => void;
}

/** Forgets with the process. */
export function memoryTokenStorage(): TokenStorage {
  let kept: SignedIn | undefined;
  return {
    load: () => kept,
    save: (tokens) => {
      kept = tokens;
    },
    clear: () => {
      kept = undefined;
    },
  };
}
