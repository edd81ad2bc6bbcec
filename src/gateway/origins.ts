/**
 * Whether a page of this origin may use the server. With an allow-list: exactly those. Without: the page that this very
 * host serves. No Origin header at all means no browser, which needs no such guard.
 */
export function originAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined || origin === "") return true;
  if (allowed.length > 0) return allowed.includes(origin);
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
