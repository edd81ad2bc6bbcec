import { useMemo } from "react";
import { exampleOf, phoneIn, type Sound } from "#protocol";
import type { Alphabet } from "./preferences.ts";
import { useServices, useStore } from "./services.tsx";

/** How the sounds of one language are written for this learner. */
export type SoundNames = {
  /** In the alphabet of one's choice. */
  readonly sign: (phone: string) => string;
  /** A word that has the sound. */
  readonly example: (phone: string) => string | undefined;
};

/** English has all alphabets; another language the signs and examples of its pack, which come from the server. */
export function useSoundNames(language: string): SoundNames {
  const { preferences, languages } = useServices();
  const { alphabet } = useStore(preferences);
  const sounds = useStore(languages).find((each) => each.language === language)?.sounds;
  return useMemo(
    () => (language === "en" ? english(alphabet) : named(alphabet, sounds ?? [])),
    [language, alphabet, sounds],
  );
}

function english(alphabet: Alphabet): SoundNames {
  return { sign: (phone) => phoneIn(alphabet, phone), example: exampleOf };
}

function named(alphabet: Alphabet, sounds: readonly Sound[]): SoundNames {
  const byPhone = new Map(sounds.map((sound) => [sound.phone, sound]));
  return {
    sign: (phone) => (alphabet === "IPA" && byPhone.get(phone)?.ipa) || phone.toLowerCase(),
    example: (phone) => byPhone.get(phone)?.example,
  };
}
