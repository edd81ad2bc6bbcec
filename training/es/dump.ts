// Usage: node training/es/dump.ts PACK_DIR OUT DIR=VOICE,VOICE…
// What the serving code measures of each phone of the readings by these voices: OUT.f32 (rows) and OUT.json (phone, said).
import { writeFileSync } from "node:fs";
import { ScoringEngine } from "../../workers/phoneme/engine.ts";
import { loadPack } from "../../workers/phoneme/pack.ts";
import { readings } from "./readings.ts";

const [packDir = "", out = "", ...sources] = process.argv.slice(2);
const pack = await loadPack(packDir);
const engine = new ScoringEngine(pack);
const rows: Float32Array[] = [];
const phone: number[] = [];
const said: number[] = [];
for (const source of sources)
  for await (const { pcm, words, planted } of readings(source, 5)) {
    const stream = engine.open(
      words,
      // Each phone is traced, then told.
      (event) => {
        if (event.type !== "phoneme" || event.final) return;
        phone.push(pack.phones.indexOf(event.phone));
        said.push(planted.has(`${event.word}.${event.index}`) ? 0 : 1);
      },
      ({ features }) => rows.push(features),
    );
    stream.push(pcm);
    stream.end();
    while (await engine.step());
  }
writeFileSync(
  `${out}.f32`,
  Buffer.concat(rows.map((row) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength))),
);
writeFileSync(`${out}.json`, JSON.stringify({ classes: pack.phones.length, phone, said }));
console.log(`${said.length} phones, ${said.filter((value) => value === 0).length} of them planted`);
