import type { Sound } from "#protocol";

/** Sounds of one kind from "phone ipa example, …". */
export const soundsOf = (kind: Sound["kind"], rows: string): Sound[] =>
  rows.split(", ").map((row) => {
    const [phone = "", ipa = "", example = ""] = row.split(" ");
    return { phone, ipa, kind, example };
  });
