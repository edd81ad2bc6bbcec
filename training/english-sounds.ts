import type { Sound } from "#protocol";
import { soundsOf } from "./sounds.ts";

/** The sounds of English as the pack names them (ARPAbet without stress), in the order of the acoustic model's classes. */
export const ENGLISH_SOUNDS: Sound[] = [
  ...soundsOf(
    "vowel",
    "AA ɑ father, AE æ cat, AH ʌ cup, AO ɔ law, EH ɛ red, ER ɝ bird, IH ɪ sit, IY i see, UH ʊ good, UW u blue",
  ),
  ...soundsOf("diphthong", "AW aʊ cow, AY aɪ my, EY eɪ day, OW oʊ go, OY ɔɪ boy"),
  ...soundsOf("stop", "B b bed, D d day, G ɡ go, K k key, P p pen, T t tea"),
  ...soundsOf("affricate", "CH tʃ chair, JH dʒ job"),
  ...soundsOf(
    "fricative",
    "DH ð this, F f four, HH h house, S s sun, SH ʃ shoe, TH θ think, V v very, Z z zoo, ZH ʒ vision",
  ),
  ...soundsOf("nasal", "M m man, N n no, NG ŋ sing"),
  ...soundsOf("approximant", "L l leg, R ɹ red, W w we, Y j yes"),
].sort((a, b) => (a.phone < b.phone ? -1 : 1));
