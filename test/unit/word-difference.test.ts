import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type DifferencePart, wordDifference } from "#client";
import { limits } from "#protocol";

/** "same -removed +added" with parts in brackets. */
const written = (parts: readonly DifferencePart[]) =>
  parts.map(({ kind, text }) => `${{ same: "", removed: "-", added: "+" }[kind]}[${text}]`).join("");
const without = (parts: readonly DifferencePart[], kind: DifferencePart["kind"]) =>
  parts
    .filter((part) => part.kind !== kind)
    .map(({ text }) => text)
    .join("");

test("[CHAT-23] a difference marks the words that were changed, left out or put in, and nothing else", () => {
  const cases: [string, string, string][] = [
    ["He go to school", "He goes to school", "[He ]-[go]+[goes][ to school]"],
    ["I am agree", "I agree", "[I ]-[am ][agree]"],
    ["She is teacher.", "She is a teacher.", "[She is ]+[a ][teacher.]"],
    ["the same", "the same", "[the same]"],
    ["", "new", "+[new]"],
    ["old", "", "-[old]"],
    ["one two", "three four", "-[one]+[three][ ]-[two]+[four]"],
    ["我喜欢狗", "我喜欢猫", "[我喜欢]-[狗]+[猫]"],
  ];
  for (const [before, after, expected] of cases) assert.equal(written(wordDifference(before, after)), expected);
});

test("[CHAT-23] both texts can be read from a difference, whatever they are", () => {
  const text = fc.array(fc.constantFrom("a", "the", "cat", "sat", " ", " ", ".", "\n", "é", "👩🏽‍🏫"), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, text, (one, other) => {
      const [before, after] = [one.join(""), other.join("")];
      const parts = wordDifference(before, after);
      assert.deepEqual([without(parts, "added"), without(parts, "removed")], [before, after]);
      for (const [at, part] of parts.entries()) {
        assert.ok(part.text.length > 0);
        assert.notEqual(part.kind, parts[at - 1]?.kind);
      }
    }),
  );
});

test("[CHAT-23] the longest messages, without a word in common, are compared too", () => {
  const [before, after] = ["a ".repeat(limits.messageText / 2), "b\n".repeat(limits.messageText / 2)];
  const parts = wordDifference(before, after);
  assert.deepEqual([without(parts, "added"), without(parts, "removed")], [before, after]);
});
