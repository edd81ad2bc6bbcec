import { useSyncExternalStore } from "react";

/** Where one is in the page; each has an address of its own. */
export type Route =
  | { page: "rooms" }
  | { page: "room"; roomId: string }
  | { page: "messages"; conversationId: string | null }
  | { page: "practice" }
  | { page: "drill"; drillId: string }
  /** `of`: the sentence of the list that the text is a part of. `language`: a BCP 47 tag. */
  | { page: "ownText"; text: string; of: string | null; language: string }
  | { page: "progress" }
  | { page: "history"; attemptId: string | null }
  | { page: "lost" };

/** What a text is in unless its address says otherwise. */
const ENGLISH = "en";

export function pathOf(route: Route): string {
  switch (route.page) {
    case "rooms":
    case "practice":
    case "progress":
      return `/${route.page}`;
    case "room":
      return `/rooms/${encodeURIComponent(route.roomId)}`;
    case "messages":
      return route.conversationId ? `/messages/${encodeURIComponent(route.conversationId)}` : "/messages";
    case "drill":
      return `/practice/${encodeURIComponent(route.drillId)}`;
    case "ownText": {
      const query = new URLSearchParams({ text: route.text });
      if (route.of) query.set("of", route.of);
      if (route.language !== ENGLISH) query.set("language", route.language);
      return `/practice?${query}`;
    }
    case "history":
      return route.attemptId ? `/history/${encodeURIComponent(route.attemptId)}` : "/history";
    case "lost":
      return "/";
  }
}

/** @param address path and query, `/practice?text=…` */
export function parseRoute(address: string): Route {
  const url = new URL(`http://page.invalid${address}`);
  const [page, id, ...rest] = url.pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decoded);
  if (rest.length > 0) return { page: "lost" };
  const text = url.searchParams.get("text");
  switch (page) {
    case undefined:
      return { page: "rooms" };
    case "rooms":
      return id ? { page: "room", roomId: id } : { page: "rooms" };
    case "messages":
      return { page: "messages", conversationId: id ?? null };
    case "practice":
      if (id) return { page: "drill", drillId: id };
      if (!text) return { page: "practice" };
      return {
        page: "ownText",
        text,
        of: url.searchParams.get("of") || null,
        language: url.searchParams.get("language") || ENGLISH,
      };
    case "progress":
      return id ? { page: "lost" } : { page: "progress" };
    case "history":
      return { page: "history", attemptId: id ?? null };
    default:
      return { page: "lost" };
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const MOVED = "parlance:moved";
const here = () => location.pathname + location.search;

export function navigate(to: Route, options: { replace?: boolean } = {}): void {
  const path = pathOf(to);
  if (path === here()) return;
  if (options.replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  dispatchEvent(new Event(MOVED));
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(MOVED, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(MOVED, listener);
  };
}

/** The present address, which is also a key for what must start anew on each page. */
export function useAddress(): string {
  return useSyncExternalStore(subscribe, here);
}

export function useRoute(): Route {
  return parseRoute(useAddress());
}
