/** Text that both have, that only the first has, or that only the second has. */
export type DifferencePart = { readonly kind: "same" | "removed" | "added"; readonly text: string };

const words = new Intl.Segmenter(undefined, { granularity: "word" });

/**
 * How one text becomes another, in whole words and marks: the parts that are not added, joined, are `before`; those that are
 * not removed are `after`. By a longest common subsequence, so that as little as possible is marked; what is removed comes before what
 * is added in its place.
 */
export function wordDifference(before: string, after: string): DifferencePart[] {
  const from = Array.from(words.segment(before), ({ segment }) => segment);
  const to = Array.from(words.segment(after), ({ segment }) => segment);
  // What both begin and end with is no part of the quadratic work: most corrections are a word or two.
  let head = 0;
  while (head < from.length && head < to.length && from[head] === to[head]) head += 1;
  let tail = 0;
  while (tail < from.length - head && tail < to.length - head && from.at(-1 - tail) === to.at(-1 - tail)) tail += 1;
  return joined([
    ...from.slice(0, head).map((text) => ({ kind: "same" as const, text })),
    ...difference(from.slice(head, from.length - tail), to.slice(head, to.length - tail)),
    ...from.slice(from.length - tail).map((text) => ({ kind: "same" as const, text })),
  ]);
}

function difference(from: readonly string[], to: readonly string[]): DifferencePart[] {
  const width = to.length + 1;
  /** [at * width + other]: length of the longest common subsequence of what follows there. */
  const common = new Uint16Array((from.length + 1) * width);
  for (let at = from.length - 1; at >= 0; at -= 1)
    for (let other = to.length - 1; other >= 0; other -= 1)
      common[at * width + other] =
        from[at] === to[other]
          ? 1 + (common[(at + 1) * width + other + 1] ?? 0)
          : Math.max(common[(at + 1) * width + other] ?? 0, common[at * width + other + 1] ?? 0);
  const parts: DifferencePart[] = [];
  let [at, other] = [0, 0];
  while (at < from.length || other < to.length) {
    const [old, fresh] = [from[at], to[other]];
    const skipOld = common[(at + 1) * width + other] ?? 0;
    const skipFresh = common[at * width + other + 1] ?? 0;
    if (old !== undefined && old === fresh) {
      parts.push({ kind: "same", text: old });
      at += 1;
      other += 1;
    } else if (old !== undefined && (fresh === undefined || skipOld >= skipFresh)) {
      parts.push({ kind: "removed", text: old });
      at += 1;
    } else if (fresh !== undefined) {
      parts.push({ kind: "added", text: fresh });
      other += 1;
    }
  }
  return parts;
}

/** Neighbours of one kind as one part; between two same parts, what is removed before what is added. */
function joined(parts: readonly DifferencePart[]): DifferencePart[] {
  const result: DifferencePart[] = [];
  let change = { removed: "", added: "" };
  const flush = () => {
    if (change.removed) result.push({ kind: "removed", text: change.removed });
    if (change.added) result.push({ kind: "added", text: change.added });
    change = { removed: "", added: "" };
  };
  for (const { kind, text } of parts) {
    if (kind !== "same") {
      change[kind] += text;
      continue;
    }
    flush();
    const last = result.at(-1);
    if (last?.kind === "same") result[result.length - 1] = { kind, text: last.text + text };
    else result.push({ kind, text });
  }
  flush();
  return result;
}
