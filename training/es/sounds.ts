import type { Sound } from "#protocol";
import { soundsOf } from "../sounds.ts";

/** The sounds of Spanish as the pack names them: [β ð ɣ] are b, d and g, ll and y are one, th is the z of Spain. */
export const SPANISH_SOUNDS: Sound[] = [
  ...soundsOf("vowel", "a a casa, e e mesa, i i isla, o o ojo, u u luna"),
  ...soundsOf("stop", "b b boca, d d dedo, g ɡ gato, k k queso, p p pan, t t taza"),
  ...soundsOf("affricate", "ch tʃ chico"),
  ...soundsOf("fricative", "f f flor, s s sol, th θ cine, x x jamón"),
  ...soundsOf("nasal", "m m mano, n n nube, ny ɲ niño"),
  ...soundsOf("approximant", "j j tierra, l l lobo, w w hueso, y ʝ llave"),
  ...soundsOf("tap", "r ɾ pero"),
  ...soundsOf("trill", "rr r perro"),
].sort((a, b) => (a.phone < b.phone ? -1 : 1));

/** The classes of the Spanish acoustic model, silence last. */
export const PHONES = [...SPANISH_SOUNDS.map(({ phone }) => phone), "SIL"];
