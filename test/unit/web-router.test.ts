import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRoute, pathOf, type Route } from "../../web/src/router.ts";

const id = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => text !== "." && text !== "..");
const plain = { noNullPrototype: true };
const route: fc.Arbitrary<Route> = fc.oneof(
  fc.constantFrom<Route>({ page: "rooms" }, { page: "practice" }, { page: "progress" }),
  fc.record({ page: fc.constant("room" as const), roomId: id }, plain),
  fc.record({ page: fc.constant("messages" as const), conversationId: fc.option(id) }, plain),
  fc.record({ page: fc.constant("drill" as const), drillId: id }, plain),
  fc.record(
    {
      page: fc.constant("ownText" as const),
      text: id,
      of: fc.option(id),
      language: fc.constantFrom("en", "es", "pt-BR"),
    },
    plain,
  ),
  fc.record({ page: fc.constant("history" as const), attemptId: fc.option(id) }, plain),
);

test("[WEB-3] every page's address leads back to it, whatever is in it", () => {
  fc.assert(fc.property(route, (there) => assert.deepEqual(parseRoute(pathOf(there)), there)));
});

test("[WEB-3] an address that is no page's is lost, and none breaks the page", () => {
  for (const address of ["/nowhere", "/rooms/a/b", "/api", "/history/1/2/3"])
    assert.deepEqual(parseRoute(address), { page: "lost" });
  fc.assert(
    fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => Boolean(parseRoute(`/${path}?${query}`))),
  );
  assert.deepEqual(parseRoute("/rooms/%E0%A4%A"), { page: "room", roomId: "%E0%A4%A" });
});
