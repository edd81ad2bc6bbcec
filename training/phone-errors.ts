/** Differences between the phones that were expected and those that were heard. */
export interface PhoneErrors {
  all: number;
  substituted: number;
  missed: number;
  added: number;
}

/** The cheapest way to make `heard` from `expected` (Levenshtein), as pairs of indices, -1 where one side has nothing. */
function pairs(expected: readonly number[], heard: readonly number[]): [number, number][] {
  const width = heard.length + 1;
  const cost = new Int32Array((expected.length + 1) * width);
  const at = (i: number, j: number): number => cost[i * width + j] as number;
  for (let i = 0; i <= expected.length; i++) {
    for (let j = 0; j <= heard.length; j++) {
      if (i === 0 || j === 0) cost[i * width + j] = i + j;
      else {
        const other = expected[i - 1] === heard[j - 1] ? 0 : 1;
        cost[i * width + j] = Math.min(at(i - 1, j - 1) + other, at(i - 1, j) + 1, at(i, j - 1) + 1);
      }
    }
  }
  const found: [number, number][] = [];
  let i = expected.length;
  let j = heard.length;
  while (i > 0 || j > 0) {
    const other = i > 0 && j > 0 && expected[i - 1] === heard[j - 1] ? 0 : 1;
    if (i > 0 && j > 0 && at(i, j) === at(i - 1, j - 1) + other) found.push([--i, --j]);
    else if (i > 0 && at(i, j) === at(i - 1, j) + 1) found.push([--i, -1]);
    else found.push([-1, --j]);
  }
  return found.reverse();
}

export function phoneErrors(expected: readonly number[], heard: readonly number[]): PhoneErrors {
  const errors = { all: 0, substituted: 0, missed: 0, added: 0 };
  for (const [i, j] of pairs(expected, heard)) {
    if (i >= 0 && j >= 0 && expected[i] === heard[j]) continue;
    errors.all += 1;
    errors[i < 0 ? "added" : j < 0 ? "missed" : "substituted"] += 1;
  }
  return errors;
}

/** For each heard phone, whether it is the expected one at its place. */
export function matched(expected: readonly number[], heard: readonly number[]): boolean[] {
  const hits = new Array<boolean>(heard.length).fill(false);
  for (const [i, j] of pairs(expected, heard)) if (i >= 0 && j >= 0) hits[j] = expected[i] === heard[j];
  return hits;
}
