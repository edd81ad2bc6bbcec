import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DrillSession, type ParlanceError, request } from "#client";
import { type EndpointInput, type ErrorCode, FRAME_EVENT, toAzureAssessment } from "#protocol";
import { feedbackAt } from "../../src/drills/feedback-pace.ts";
import { FRAME_SAMPLES, frameOf, join, nextPush, orderFaults, sendFrames, silence } from "../support/drill.ts";
import { type Guest, guest, startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { synthesise } from "../support/voice.ts";

const TEXT = "Please call Stella and ask her to bring these things";
let server: TestServer;
let voice: Int16Array;
const guests: Guest[] = [];

before(async () => {
  [server, voice] = await Promise.all([startServer(), synthesise(TEXT)]);
});
after(async () => {
  for (const { connection } of guests) connection.close();
  await server?.stop();
});

async function learner(name = "Learner"): Promise<Guest> {
  const one = await guest(server.url, name);
  guests.push(one);
  return one;
}
const refused = (call: Promise<unknown>, code: ErrorCode) =>
  assert.rejects(call, (error: ParlanceError) => {
    assert.equal(error.code, code);
    return true;
  });
/** What comes back for one bad frame. */
async function rejection({ connection }: Guest, bytes: Uint8Array): Promise<ErrorCode> {
  const push = nextPush(connection, "drill.frameRejected");
  connection.send(FRAME_EVENT, bytes);
  return (await push).error.code;
}

test("[DRILL-60] the client's snapshot tells that nothing is heard, until a phone is", async () => {
  const { connection } = await learner();
  const session = new DrillSession(connection);
  await session.start({ text: TEXT });
  session.feed(silence(4.5));
  await until("it is told", () => session.snapshot().unheard === "silence");
  session.feed(voice);
  await until("a phone is heard", () => session.snapshot().unheard === null);
  session.close();
});

test("[DRILL-63] samples that are no numbers are silence, those beyond full scale are clipped, at any rate", async () => {
  for (const rate of [16_000, 48_000]) {
    const { connection } = await learner();
    const session = new DrillSession(connection);
    await session.start({ text: TEXT });
    const repeat = rate / 16_000;
    const broken = Float32Array.from({ length: voice.length * repeat }, (_, i) => {
      if (i % 4_000 < repeat) return [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e30][i % 4] ?? 0;
      return (voice[Math.floor(i / repeat)] ?? 0) / 32_768;
    });
    session.feed(broken, rate);
    const { outcome, accuracy } = await session.finish();
    assert.equal(outcome, "scored");
    assert.ok(accuracy > 60, `${accuracy} at ${rate} Hz`);
    session.close();
  }
});

test("[DRILL-10, DRILL-13, DRILL-22, DRILL-24] a drill from the list, through the client library, into the history", async () => {
  const { connection } = await learner("Ann");
  const { drills } = await connection.call("drill.list", {});
  const item = drills[0];
  assert.ok(item);
  const spoken = await synthesise(item.text);
  const session = new DrillSession(connection);
  const events: Parameters<Parameters<typeof session.onEvent>[0]>[0][] = [];
  session.onEvent((event) => events.push(event));
  await session.start({ drillId: item.id });
  const laid = session.snapshot();
  assert.equal(laid.phase, "listening");
  assert.ok(laid.words.every((word) => word.phones.length > 0 && word.phones.every(({ judged }) => !judged)));
  session.feed(spoken);
  const attempt = await session.finish();
  assert.equal(attempt.drillId, item.id);
  assert.equal(attempt.text, item.text);
  const counts = attempt.words.map(({ phones }) => ({ phones: phones.length }));
  assert.deepEqual(orderFaults(events, counts), []);

  const { phase, result, words } = session.snapshot();
  assert.equal(phase, "finished");
  assert.deepEqual(
    words.map(({ phones }) => phones.map(({ phone, judged }) => [phone, judged?.score, judged?.final])),
    attempt.words.map(({ phones }) => phones.map(({ phone, score }) => [phone, score, true])),
  );
  assert.equal(result?.total, attempt.total);
  assert.deepEqual(await session.finish(), attempt, "asked again it is the same");

  const history = await connection.call("drill.history", {});
  assert.deepEqual(
    history.attempts.map(({ id }) => id),
    [attempt.id],
  );
  assert.deepEqual((await connection.call("drill.attempt", { attemptId: attempt.id })).attempt, attempt);
  const other = await learner("Bob");
  await refused(other.connection.call("drill.attempt", { attemptId: attempt.id }), "ATTEMPT_NOT_FOUND");
  await refused(other.connection.call("drill.finish", { attemptId: attempt.id }), "DRILL_NOT_RUNNING");
  assert.deepEqual((await other.connection.call("drill.history", {})).attempts, []);
  session.close();
});

test("[DRILL-11, DRILL-12] phones are judged while one speaks, at the pace of a microphone", async () => {
  const { connection } = await learner();
  const session = new DrillSession(connection);
  await session.start({ text: TEXT });
  const began = performance.now();
  let early: { finals: number; words: number; judgedMs: number } | undefined;
  for (let at = 0; at < voice.length; at += FRAME_SAMPLES) {
    await sleep(Math.max(0, began + at / 16 - performance.now()));
    session.feed(voice.subarray(at, at + FRAME_SAMPLES));
    const { words, judgedMs } = session.snapshot();
    const finals = words.flatMap(({ phones }) => phones).filter(({ judged }) => judged?.final).length;
    early = { finals, words: words.filter(({ judged }) => judged).length, judgedMs };
  }
  assert.ok(early && early.finals > 0 && early.words > 0 && early.judgedMs > 0, JSON.stringify(early));
  const { outcome } = await session.finish();
  assert.equal(outcome, "scored");
  session.close();
});

test("[DRILL-24] a session reads once at a time, and a reading that is cancelled while it starts leaves nothing", async () => {
  const { connection } = await learner();
  const session = new DrillSession(connection);
  const starting = session.start({ text: TEXT });
  await refused(session.start({ text: TEXT }), "DRILL_BUSY");
  assert.equal(session.snapshot().phase, "starting");
  await session.cancel();
  await refused(starting, "DRILL_NOT_RUNNING");
  assert.equal(session.snapshot().phase, "idle");
  await session.start({ text: TEXT });
  await refused(session.start({ text: TEXT }), "DRILL_BUSY");
  session.feed(voice);
  assert.equal((await session.finish()).outcome, "scored");
  await refused(session.start({ text: "" }), "TEXT_EMPTY");
  assert.equal(session.snapshot().error?.code, "TEXT_EMPTY");
  await session.start({ text: TEXT });
  session.close();
  session.close();
});

test("[DRILL-23] a microphone of any rate is heard", async () => {
  const { connection } = await learner();
  const session = new DrillSession(connection);
  await session.start({ text: TEXT });
  // The crudest way to 48 kHz; the session filters it.
  const samples = Float32Array.from({ length: voice.length * 3 }, (_, i) => (voice[Math.floor(i / 3)] ?? 0) / 32_768);
  for (let at = 0; at < samples.length; at += 1_111) session.feed(samples.subarray(at, at + 1_111), 48_000);
  const { outcome, audioMs } = await session.finish();
  assert.equal(outcome, "scored");
  assert.ok(Math.abs(audioMs - voice.length / 16) < 40);
  session.close();
});

test("[DRILL-25] judgements come at once, with each word, or only with the result; the result is the same", async () => {
  const read = async (feedback: "live" | "word" | "sentence") => {
    // Another learner each time: earlier readings would count.
    const { connection } = await learner();
    const session = new DrillSession(connection);
    const events: Parameters<Parameters<typeof session.onEvent>[0]>[0][] = [];
    session.onEvent((event) => events.push(event));
    await session.start({ text: TEXT }, { feedback });
    session.feed(voice);
    const { id: _, startedAtMs: __, ...attempt } = await session.finish();
    session.close();
    return { events, attempt };
  };
  const [live, word, sentence] = [await read("live"), await read("word"), await read("sentence")];
  assert.deepEqual(word.attempt, live.attempt);
  assert.deepEqual(sentence.attempt, live.attempt);
  const told = ({ events }: typeof live) => events.map(({ type, ...event }) => ({ ...event, attemptId: "", type }));
  const finals = told(live).filter((event) => !("final" in event) || event.final);
  assert.ok(finals.length < live.events.length);
  assert.deepEqual(told(word), finals);
  assert.deepEqual(told(sentence), finals.slice(-1));
});

test("[DRILL-27] one's own attempt in Azure's shape, over REST", async () => {
  const [one, other] = [await learner(), await learner()];
  const session = new DrillSession(one.connection);
  await session.start({ text: TEXT });
  session.feed(voice);
  const attempt = await session.finish();
  session.close();
  const ask = (input: EndpointInput<"azureAssessment">, { accessToken }: { accessToken?: string }) =>
    request(server.url, "azureAssessment", input, accessToken);
  assert.deepEqual(await ask({ attemptId: attempt.id }, one), toAzureAssessment(attempt, "IPA"));
  assert.deepEqual(
    await ask({ attemptId: attempt.id, alphabet: "ARPABET" }, one),
    toAzureAssessment(attempt, "ARPABET"),
  );
  await refused(ask({ attemptId: attempt.id }, other), "ATTEMPT_NOT_FOUND");
  await refused(ask({ attemptId: "none" }, one), "ATTEMPT_NOT_FOUND");
  await refused(ask({ attemptId: attempt.id }, {}), "UNAUTHENTICATED");
  await refused(ask({ attemptId: attempt.id, alphabet: "Greek" as "IPA" }, one), "INVALID_REQUEST");
});

test("[DRILL-26, SCORE-22] a result says what to do about the sounds that were not good, and is stored with it", async () => {
  const { connection } = await learner();
  const session = new DrillSession(connection);
  await session.start({ text: TEXT }, { firstLanguage: "es" });
  session.feed(await synthesise("Please fall Stella and ask her to ring bees kings"));
  const attempt = await session.finish();
  session.close();
  assert.equal(attempt.outcome, "scored");
  const phones = attempt.words.flatMap((word) => word.phones.filter(({ startMs, endMs }) => endMs > startMs));
  const low = phones.filter(({ band }) => band !== "good");
  assert.ok(low.length > 0);
  for (const { phone, feedback } of low) assert.ok((feedback?.hint.length ?? 0) > 0, phone);
  assert.ok(phones.every(({ band, feedback }) => band !== "good" || feedback === undefined));
  assert.deepEqual((await connection.call("drill.attempt", { attemptId: attempt.id })).attempt, attempt);
});

test("[DRILL-25] the phones of a word are told together, after the word was spoken", () => {
  const told: string[] = [];
  const tell = feedbackAt("word", (event) => told.push(event.type));
  const at = { band: "good" as const, score: 90, startMs: 0, endMs: 10 };
  const phoneme = (index: number, final: boolean) =>
    tell({ type: "phoneme", word: 0, index, phone: "AH", final, ...at });
  const word = (index: number) => tell({ type: "word", word: index, text: "a", errorType: "none", ...at });
  phoneme(0, false);
  phoneme(0, true);
  phoneme(1, false);
  phoneme(1, true);
  assert.deepEqual(told, []);
  word(0);
  assert.deepEqual(told, ["phoneme", "phoneme", "word"]);
  word(1);
  assert.deepEqual(told, ["phoneme", "phoneme", "word", "word"]);
});

test("[DRILL-3, DRILL-4, DRILL-6, DRILL-26] what can't be started, each with its own code; the connection goes on", async () => {
  const { connection } = await learner();
  const start = (input: object) => connection.call("drill.start", input as { text: string });
  await refused(start({ text: "" }), "TEXT_EMPTY");
  await refused(start({ text: "word ".repeat(10_000) }), "TEXT_TOO_LONG");
  await refused(start({ text: "hello 你好" }), "WORD_UNPRONOUNCEABLE");
  await assert.rejects(start({ text: "hello 你好" }), (error: ParlanceError) => error.details?.word === "你好");
  await refused(start({ drillId: "nothing-like-that" }), "DRILL_NOT_FOUND");
  await refused(start({}), "INVALID_REQUEST");
  await refused(start({ text: "hello", drillId: "x" }), "INVALID_REQUEST");
  await refused(start({ text: 7 }), "INVALID_REQUEST");
  await refused(start({ text: "hello", feedback: "never" }), "INVALID_REQUEST");
  await refused(start({ text: "hello", firstLanguage: "xx" }), "INVALID_REQUEST");
  const other = await learner();
  const again = (input: object) => other.connection.call("drill.start", input as { text: string });
  await refused(again({ text: "hello", source: { kind: "socket", sampleRate: 44_100 } }), "AUDIO_FORMAT_UNSUPPORTED");
  await refused(again({ text: "hello", source: { kind: "room", roomId: "none" } }), "NOT_IN_ROOM");
  const { words } = await again({ text: "Hello, world!" });
  assert.deepEqual(words, [
    { text: "Hello", phones: ["HH", "AH", "L", "OW"] },
    { text: "world", phones: ["W", "ER", "L", "D"] },
  ]);
});

test("[DRILL-5] a second drill on the same connection is refused, the first goes on", async () => {
  const one = await learner();
  const { attemptId } = await one.connection.call("drill.start", { text: TEXT });
  await refused(one.connection.call("drill.start", { text: TEXT }), "DRILL_BUSY");
  const both = await Promise.allSettled([
    guest(server.url, "x").then((g) => {
      guests.push(g);
      return Promise.all([
        g.connection.call("drill.start", { text: TEXT }).then(() => "started"),
        g.connection.call("drill.start", { text: TEXT }).catch((error: ParlanceError) => error.code),
      ]);
    }),
  ]);
  assert.deepEqual(both[0]?.status === "fulfilled" && both[0].value, ["started", "DRILL_BUSY"]);
  sendFrames(one.connection, voice);
  const { attempt } = await one.connection.call("drill.finish", { attemptId }, { timeoutMs: 60_000 });
  assert.equal(attempt.outcome, "scored");
});

test("[DRILL-7, DRILL-8] bad frames are refused, and the drill is judged as if they had not come", async () => {
  const one = await learner();
  assert.equal(await rejection(one, frameOf(0, silence(0.02))), "DRILL_NOT_RUNNING");
  const { attemptId } = await one.connection.call("drill.start", { text: TEXT });
  const half = Math.floor(voice.length / FRAME_SAMPLES / 2) * FRAME_SAMPLES;
  const next = sendFrames(one.connection, voice.subarray(0, half));
  for (const bytes of [
    new Uint8Array(0),
    new Uint8Array(3),
    new Uint8Array(4),
    new Uint8Array(645),
    new Uint8Array(3_206),
  ])
    assert.equal(await rejection(one, bytes), "AUDIO_FRAME_MALFORMED");
  one.connection.send(FRAME_EVENT, frameOf(0, voice.subarray(0, FRAME_SAMPLES)));
  const last = sendFrames(one.connection, voice.subarray(half), next);
  const finished = one.connection.call("drill.finish", { attemptId }, { timeoutMs: 60_000 });
  one.connection.send(FRAME_EVENT, frameOf(last, silence(0.02)));
  const { attempt } = await finished;
  assert.equal(attempt.outcome, "scored");
  assert.equal(attempt.audioMs, Math.round(voice.length / 16));
  assert.equal(await rejection(one, frameOf(last, silence(0.02))), "DRILL_NOT_RUNNING");
});

test("[DRILL-9] audio that runs too far ahead is refused and may come again", async () => {
  const one = await learner();
  const { attemptId } = await one.connection.call("drill.start", { text: TEXT });
  const codes: string[] = [];
  one.connection.on("drill.frameRejected", ({ error }) => codes.push(error.code));
  // A frame of silence at 100 ms; the server can't judge 60 s of it in the time they take to send.
  for (let number = 0; number < 600; number++) one.connection.send(FRAME_EVENT, frameOf(number, silence(0.1)));
  await until("some are refused", () => codes.length > 0);
  assert.ok(codes.every((code) => code === "AUDIO_OVERFLOW"));
  await one.connection.call("drill.cancel", { attemptId });
});

test("[DRILL-14] a cancelled drill leaves nothing", async () => {
  const { connection } = await learner();
  const { attemptId } = await connection.call("drill.start", { text: TEXT });
  sendFrames(connection, voice);
  await connection.call("drill.cancel", { attemptId });
  await refused(connection.call("drill.cancel", { attemptId }), "DRILL_NOT_RUNNING");
  await refused(connection.call("drill.finish", { attemptId }), "DRILL_NOT_RUNNING");
  assert.deepEqual((await connection.call("drill.history", {})).attempts, []);
  await connection.call("drill.start", { text: TEXT });
});

test("[DRILL-15, DRILL-17] a lost connection leaves what was said; silence leaves nothing", async () => {
  const one = await learner();
  const { accessToken } = one;
  const back = async () => {
    const { Connection } = await import("#client");
    const connection = new Connection(server.url, { token: () => accessToken });
    guests.push({ ...one, connection });
    await connection.ready();
    return connection;
  };
  await one.connection.call("drill.start", { text: TEXT });
  sendFrames(one.connection, voice.subarray(0, Math.floor(voice.length * 0.6)));
  await nextPush(one.connection, "drill.word");
  one.connection.close();
  const second = await back();
  await until("it is stored", async () => (await second.call("drill.history", {})).attempts.length === 1);
  const [summary] = (await second.call("drill.history", {})).attempts;
  assert.equal(summary?.outcome, "incomplete");
  const { attempt } = await second.call("drill.attempt", { attemptId: summary?.id ?? "" });
  assert.equal(attempt.words[0]?.errorType === "omission", false);
  assert.equal(attempt.words.at(-1)?.errorType, "omission");

  const { attemptId } = await second.call("drill.start", { text: TEXT });
  sendFrames(second, silence(1));
  second.close();
  const third = await back();
  // Only once the server has let go of it is it certain that nothing is stored.
  await until("it is over", async () =>
    third.call("drill.finish", { attemptId }).then(
      () => true,
      (error: ParlanceError) => error.code === "DRILL_NOT_RUNNING",
    ),
  );
  assert.equal((await third.call("drill.history", {})).attempts.length, 1);
});

test("[DRILL-17] silence and other words give their own outcomes", async () => {
  const judge = async (pcm: Int16Array) => {
    const { connection } = await learner();
    const { attemptId } = await connection.call("drill.start", { text: TEXT });
    sendFrames(connection, pcm);
    return (await connection.call("drill.finish", { attemptId }, { timeoutMs: 60_000 })).attempt;
  };
  const [right, nothing, quiet, other] = [
    await judge(voice),
    await judge(new Int16Array(0)),
    await judge(silence(3)),
    await judge(await synthesise("Seven yellow umbrellas floated over a frozen highway")),
  ];
  assert.equal(right.outcome, "scored");
  for (const attempt of [nothing, quiet]) {
    assert.equal(attempt.outcome, "silence");
    assert.ok(
      attempt.words.every((word) => word.errorType === "omission" && word.phones.every(({ band }) => band === "poor")),
    );
  }
  assert.notEqual(other.outcome, "scored");
  assert.ok(other.total < right.total / 2, `${other.total} against ${right.total}`);
});

test("[DRILL-16] a drill ends by itself after 120 s of audio, and its result is there to be asked for", async () => {
  const { connection } = await learner();
  const session = new DrillSession(connection);
  await session.start({ text: TEXT });
  const long = join(voice, silence(121 - voice.length / 16_000));
  for (let at = 0; at < long.length && session.snapshot().phase === "listening"; at += 1_600) {
    await until(
      "there is room",
      () => {
        const { sentMs, judgedMs, phase } = session.snapshot();
        return phase !== "listening" || sentMs - judgedMs < 8_000;
      },
      60_000,
    );
    session.feed(long.subarray(at, at + 1_600));
  }
  await until("the result came", () => session.snapshot().phase === "finished", 60_000);
  const attempt = await session.finish();
  assert.equal(attempt.audioMs, 120_000);
  assert.equal(attempt.outcome, "scored");
  session.close();
});
