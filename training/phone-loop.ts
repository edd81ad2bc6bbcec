// Usage: node training/phone-loop.ts SPEECH_DIR WORK_DIR POSTERIORS FOLDS PACK_DIR
// Makes PACK_DIR/phone-loop.json, by which speech without a known text is heard, and prints what it measures on the scored
// sentences that the experts call well said, from the stored posteriors of models that never heard their speakers: phone
// errors, delays, and how certain phones are, also in music and noise, which the pack's own model is run on.
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ScoringEngine } from "../workers/phoneme/engine.ts";
import { loadPack } from "../workers/phoneme/pack.ts";
import { evidenceOf, logistic, PhoneConfidence, weighted } from "../workers/phoneme/phone-evidence.ts";
import { type HeardPhone, type PhoneLoop, PhoneRecogniser } from "../workers/phoneme/phone-recogniser.ts";
import { PHONES, phonesOf, readIndex, readSentences, type Sentence } from "./corpus.ts";
import { foldsBySpeaker } from "./folds.ts";
import { music, noise } from "./not-speech.ts";
import { matched, type PhoneErrors, phoneErrors } from "./phone-errors.ts";
import { randomFrom } from "./random.ts";

const [speechDir = "", workDir = "", posteriorFile = "", folds = "", packDir = ""] = process.argv.slice(2);
const CLASSES = PHONES.length;
const SILENCE = CLASSES - 1;
const { scored, native } = readSentences(speechDir);
const out = join(packDir, "phone-loop.json");
const save = (loop: PhoneLoop) => writeFileSync(out, `${JSON.stringify(loop)}\n`);
const round = (value: number): number => Math.round(value * 1_000) / 1_000;

/** Phone pairs of the native readings' alignments, mixed with how often each phone is there at all (weight 20). */
function bigramOf(sentences: Sentence[]): number[] {
  const counts = new Float64Array(CLASSES * CLASSES);
  for (const { align = [] } of sentences) {
    let before = SILENCE;
    for (const [name] of [...align, ["SIL"] as const]) {
      const phone = PHONES.indexOf(name.replace(/\d/, ""));
      if (phone < 0 || (phone === SILENCE && before === SILENCE)) continue;
      counts[before * CLASSES + phone] = (counts[before * CLASSES + phone] as number) + 1;
      before = phone;
    }
  }
  const alone = PHONES.map((_, b) => PHONES.reduce((sum, _, a) => sum + (counts[a * CLASSES + b] as number), 0));
  const all = alone.reduce((a, b) => a + b, 0);
  return Array.from(counts, (count, i) => {
    const a = Math.floor(i / CLASSES);
    const after = counts.subarray(a * CLASSES, a * CLASSES + SILENCE).reduce((x, y) => x + y, 0);
    return round(Math.log((count + (20 * (alone[i % CLASSES] as number)) / all) / (after + 20)));
  });
}

function priorOf(labels: Uint8Array): number[] {
  const counts = new Float64Array(CLASSES).fill(1);
  for (const label of labels) if (label < CLASSES) counts[label] = (counts[label] as number) + 1;
  const all = counts.reduce((a, b) => a + b, 0);
  return Array.from(counts, (count) => round(Math.log((count / all) * CLASSES)));
}

/** One sentence as it was heard. */
interface Heard {
  spk: string;
  child: boolean;
  fold: number;
  wellSaid: boolean;
  expected: number[];
  phones: HeardPhone[];
  delays: number[];
}

function listen(loop: PhoneLoop): Heard[] {
  const index = readIndex(workDir);
  const foldOf = foldsBySpeaker(index, Number(folds));
  const file = openSync(posteriorFile, "r");
  const heard = index.flatMap((entry, i): Heard[] => {
    if (!entry.scored || entry.steps === 0) return [];
    const sentence = scored[i] as Sentence;
    const logp = new Float32Array(entry.steps * CLASSES);
    readSync(file, new Uint8Array(logp.buffer), 0, logp.byteLength, entry.labelStep * CLASSES * 4);
    const recogniser = new PhoneRecogniser(CLASSES, loop);
    const phones: HeardPhone[] = [];
    const delays: number[] = [];
    const take = (fresh: HeardPhone[], now: number) => {
      for (const phone of fresh.filter((one) => one.phone !== SILENCE)) {
        phones.push(phone);
        delays.push(now - phone.end);
      }
    };
    for (let step = 0; step < entry.steps; step++) take(recogniser.push(logp, step * CLASSES), step + 1);
    take(recogniser.finish(), entry.steps);
    const wellSaid =
      (sentence.accuracy ?? 0) >= 9 && (sentence.words ?? []).every((w) => w.phones_accuracy.every((p) => p >= 1.8));
    const expected = phonesOf(sentence).flatMap((word) => word.map((phone) => PHONES.indexOf(phone)));
    const child = (sentence.age ?? 99) < 16;
    return [{ spk: entry.spk, child, fold: foldOf.get(entry.spk) ?? 0, wellSaid, expected, phones, delays }];
  });
  closeSync(file);
  return heard;
}

/** What the pack's model hears in a signal that holds no speech. */
async function hearNothing(signals: Int16Array[]): Promise<HeardPhone[][]> {
  const engine = new ScoringEngine(await loadPack(packDir));
  const heard = signals.map((signal) => {
    const phones: HeardPhone[] = [];
    const stream = engine.listen(
      () => {},
      (phone) => phones.push(phone),
    );
    stream.push(signal);
    stream.end();
    return phones;
  });
  while (await engine.step());
  return heard;
}

interface Example {
  values: number[];
  yes: boolean;
}

/** Logistic regression by gradient steps over all examples; yes and no weigh the same together where `balanced`. */
function fit(examples: Example[], balanced: boolean): number[] {
  const width = examples[0]?.values.length ?? 0;
  const weights = new Array<number>(width).fill(0);
  const share = examples.filter(({ yes }) => yes).length / examples.length;
  const memory = new Array<number>(width).fill(1e-8);
  for (let turn = 0; turn < 400; turn++) {
    const slope = weights.map((weight) => weight * 1e-3);
    for (const { values, yes } of examples) {
      const weight = balanced ? 0.5 / (yes ? share : 1 - share) : 1;
      const error = ((logistic(weighted(weights, values)) - (yes ? 1 : 0)) * weight) / examples.length;
      for (let i = 0; i < width; i++) slope[i] = (slope[i] as number) + error * (values[i] as number);
    }
    for (let i = 0; i < width; i++) {
      memory[i] = 0.9 * (memory[i] as number) + 0.1 * (slope[i] as number) ** 2;
      weights[i] = (weights[i] as number) - (0.05 * (slope[i] as number)) / Math.sqrt(memory[i] as number);
    }
  }
  return weights.map(round);
}

const evidence = (phones: HeardPhone[]): number[][] => phones.map((phone, i) => evidenceOf(phone, phones.slice(0, i)));
const oneHot = (phone: number): number[] => PHONES.map((_, i) => (i === phone ? 1 : 0));

function confidenceFrom(heard: Heard[], nothing: HeardPhone[][]): PhoneLoop["confidence"] {
  const right = heard
    .filter(({ wellSaid }) => wellSaid)
    .flatMap(({ phones, expected }) => {
      const hits = matched(
        expected,
        phones.map((one) => one.phone),
      );
      return evidence(phones).map((values, i) => ({
        values: [...values, ...oneHot((phones[i] as HeardPhone).phone)],
        yes: hits[i] as boolean,
      }));
    });
  const speech = [
    ...heard.flatMap(({ phones }) => evidence(phones).map((values) => ({ values, yes: true }))),
    ...nothing.flatMap((phones) => evidence(phones).map((values) => ({ values, yes: false }))),
  ];
  const weights = fit(right, false);
  const width = speech[0]?.values.length ?? 0;
  return { right: weights.slice(0, width), phones: weights.slice(width), speech: fit(speech, true) };
}

/** Confidence of each phone of a stretch. */
function confidences(phones: HeardPhone[], weights: PhoneLoop["confidence"]): number[] {
  const confidence = new PhoneConfidence(weights);
  return phones.map((phone) => confidence.of(phone));
}

const quantile = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? Number.NaN;

/** Phone errors in percent of the expected phones, with the 95% interval over resampled speakers. */
function errorRate(heard: Heard[]): string {
  const perSpeaker = [...Map.groupBy(heard, ({ spk }) => spk).values()].map((own) => ({
    errors: own.reduce((sum, one) => add(sum, errorsOf(one)), none),
    expected: own.reduce((sum, { expected }) => sum + expected.length, 0),
  }));
  const rate = (of: typeof perSpeaker, kind: keyof PhoneErrors): number =>
    (100 * of.reduce((sum, one) => sum + one.errors[kind], 0)) / of.reduce((sum, one) => sum + one.expected, 0);
  const random = randomFrom(11);
  const drawn = Array.from({ length: 200 }, () =>
    rate(
      perSpeaker.map(() => perSpeaker[Math.floor(random() * perSpeaker.length)] as (typeof perSpeaker)[number]),
      "all",
    ),
  );
  const kinds = (["substituted", "missed", "added"] as const).map(
    (kind) => `${kind} ${rate(perSpeaker, kind).toFixed(1)}`,
  );
  const interval = `${quantile(drawn, 0.025).toFixed(1)}-${quantile(drawn, 0.975).toFixed(1)}`;
  return `${rate(perSpeaker, "all").toFixed(1)}% (${interval}; ${kinds.join(", ")}), ${heard.length} sentences`;
}
const none: PhoneErrors = { all: 0, substituted: 0, missed: 0, added: 0 };
const add = (a: PhoneErrors, b: PhoneErrors): PhoneErrors => ({
  all: a.all + b.all,
  substituted: a.substituted + b.substituted,
  missed: a.missed + b.missed,
  added: a.added + b.added,
});
const errorsOf = ({ expected, phones }: Heard): PhoneErrors =>
  phoneErrors(
    expected,
    phones.map(({ phone }) => phone),
  );

const width = evidenceOf({ phone: 0, start: 0, end: 1, posterior: 1 }, []).length;
const blank = { right: new Array(width).fill(0), phones: new Array(CLASSES).fill(0), speech: new Array(width).fill(0) };
const loop: PhoneLoop = {
  bigram: bigramOf(native),
  prior: priorOf(readFileSync(join(workDir, "labels2.u8"))),
  confidence: blank,
};
save(loop);
const heard = listen(loop);
const signals = (from: number) =>
  Array.from({ length: 24 }, (_, i) => [music(from + i, 15_000), noise(from + i, 15_000)]).flat();
const nothing = await hearNothing(signals(1));
save({ ...loop, confidence: confidenceFrom(heard, nothing) });

const good = heard.filter(({ wellSaid }) => wellSaid);
console.log("phone errors:", errorRate(good));
console.log("  adults:", errorRate(good.filter(({ child }) => !child)));
console.log("  children:", errorRate(good.filter(({ child }) => child)));
const delays = good.flatMap(({ delays }) => delays).map((steps) => 20 * steps);
console.log(`from a phone's end to its telling: median ${quantile(delays, 0.5)}, p95 ${quantile(delays, 0.95)} ms`);

// How well confidence holds for others: each fold's by weights from the other folds, and on music of other seeds.
const tested: { confidence: number; right: boolean }[] = [];
for (const fold of new Set(heard.map((one) => one.fold))) {
  const weights = confidenceFrom(
    heard.filter((one) => one.fold !== fold),
    nothing,
  );
  for (const one of good.filter((one) => one.fold === fold)) {
    const hits = matched(
      one.expected,
      one.phones.map(({ phone }) => phone),
    );
    for (const [i, confidence] of confidences(one.phones, weights).entries())
      tested.push({ confidence, right: hits[i] as boolean });
  }
}
for (const [low, high] of [
  [0, 0.3],
  [0.3, 0.5],
  [0.5, 0.7],
  [0.7, 0.85],
  [0.85, 1.01],
] as const) {
  const inside = tested.filter(({ confidence }) => confidence >= low && confidence < high);
  const right = inside.filter((one) => one.right).length / inside.length;
  console.log(
    `confidence ${low}-${high}: ${((100 * inside.length) / tested.length).toFixed(1)}% of phones, ${(100 * right).toFixed(1)}% right`,
  );
}
const { confidence } = JSON.parse(readFileSync(out, "utf8")) as PhoneLoop;
const others = (await hearNothing(signals(1_001))).map((phones) => confidences(phones, confidence));
for (const [name, kind] of [
  ["music", 0],
  ["noise", 1],
] as const) {
  const own = others.filter((_, i) => i % 2 === kind);
  const sure = own.flat().filter((one) => one >= 0.5).length;
  console.log(
    `${name}: ${own.flat().length} phones in ${(own.length * 15) / 60} min, ${sure} of them with confidence 0.5 or more`,
  );
}
