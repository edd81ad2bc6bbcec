import type { DrillItem } from "#protocol";

/**
 * The practice sentences that every server offers, easiest first. An id never changes its meaning, as attempts refer to
 * it; the sentences were written for this project, but for one old tongue-twister.
 */
export const drillItems: readonly DrillItem[] = [
  item("a1-three-brothers", "A1", "th sounds", "My three brothers think that math is fun."),
  item("a1-weather", "A1", "th sounds", "The weather is better there than here."),
  item("a1-red-lorry", "A1", "r and l", "Lily really likes her little red lamp."),
  item("a1-green-glass", "A1", "r and l", "Please bring a large glass of fresh lemon water."),
  item("a1-big-ship", "A1", "short and long i", "The sheep on the big ship eat cheap chips."),
  item("a1-sit-seat", "A1", "short and long i", "Did you leave your keys on this seat?"),
  item("a1-hungry-house", "A1", "h at the start", "Harry is hungry, so he hurries home at half past eight."),
  item("a1-very-well", "A1", "v and w", "We very often wait in the village on Wednesday."),
  item("a1-good-morning", "A1", "everyday phrases", "Good morning! Could I have a cup of coffee, please?"),
  item("a1-my-name", "A1", "everyday phrases", "Hello, my name is Sam, and I live near the station."),

  item("a2-walked-asked", "A2", "past endings", "She walked to work, asked for help and waited an hour."),
  item("a2-planned-painted", "A2", "past endings", "They planned the garden, painted the fence and watched it rain."),
  item("a2-cats-dogs", "A2", "plural endings", "Two cats, three dogs and six horses crossed the bridges."),
  item("a2-bad-bed", "A2", "a and e", "The man in the black hat said he had a bad bed."),
  item("a2-cup-cap", "A2", "a and u", "My uncle has a cap and a cup from the company."),
  item("a2-thin-sin", "A2", "th and s", "I think the thick path is six miles south of the sea."),
  item("a2-they-day", "A2", "th and d", "They said the other door does not open during the day."),
  item("a2-orange-village", "A2", "j and y", "Yes, the young judge enjoys jam and orange juice."),
  item("a2-singing-thing", "A2", "ng endings", "The young king was singing a long song in the evening."),
  item("a2-train-times", "A2", "everyday phrases", "What time does the next train to the airport leave?"),

  item("b1-strong-springs", "B1", "groups of consonants", "Strong springs stretch slowly and snap straight back."),
  item("b1-asked-months", "B1", "groups of consonants", "She asked for the next six months' timesheets twice."),
  item("b1-world-word", "B1", "r and l", "Every girl in the world has learned a rural word or two."),
  item("b1-vowels-bird", "B1", "the vowel of bird", "The nurse heard the bird first, then turned to the church."),
  item("b1-full-fool", "B1", "short and long u", "The cook took a good look at the blue pool by the school."),
  item("b1-boat-bought", "B1", "o sounds", "I bought a coat for the boat, although it cost a lot."),
  item("b1-measure-vision", "B1", "sh and zh", "She usually measures the television before the decision is made."),
  item("b1-cheap-jeep", "B1", "ch and j", "The cheerful chemist changed the jeep's engine in January."),
  item("b1-teacher-banana", "B1", "weak vowels", "The teacher gave a banana to another member of the family."),
  item("b1-job-interview", "B1", "everyday phrases", "I have been working as a nurse for nearly four years."),

  item("b2-photograph", "B2", "word stress", "The photographer took a photograph for a course in photography."),
  item("b2-economy", "B2", "word stress", "Economists argue that the economic record of the economy is mixed."),
  item(
    "b2-comfortable",
    "B2",
    "swallowed syllables",
    "The vegetables were comfortable, but every chocolate was different.",
  ),
  item("b2-clothes-months", "B2", "th in groups", "Both clothes shops will close for the fifth and sixth months."),
  item("b2-would-have", "B2", "linked words", "If I had known about it, I would have asked her earlier."),
  item("b2-silent-letters", "B2", "silent letters", "The knight climbed down the castle wall and listened in doubt."),

  item(
    "c1-sixth-strength",
    "C1",
    "groups of consonants",
    "The twelfth athlete's strength surprised the sports scientists.",
  ),
  item(
    "c1-hypothesis",
    "C1",
    "word stress",
    "The hypothesis was methodologically sound, yet thoroughly controversial.",
  ),
  item(
    "c1-particularly",
    "C1",
    "weak vowels",
    "It is particularly regrettable that the necessary laboratory was temporarily closed.",
  ),
  item(
    "c1-through-though",
    "C1",
    "one spelling, many sounds",
    "Though the rough path through the borough was tough, she thought it enough.",
  ),

  item("es-a1-perro", "A1", "r and rr", "El perro corre por la tierra, pero el toro mira.", "es"),
  item("es-a1-casa", "A1", "everyday phrases", "Buenos días, me llamo Ana y vivo en una casa pequeña.", "es"),
  item("es-a1-jamon", "A1", "j and g", "La gente joven come jamón y naranjas en el jardín.", "es"),
  item("es-a1-vaca", "A1", "b and v", "La vaca bebe agua y el lobo vive en el bosque.", "es"),
  item("es-a2-llave", "A2", "ll, y and ñ", "El niño lleva la llave amarilla a la montaña en otoño.", "es"),
  item("es-a2-guerra", "A2", "gu and qu", "Miguel quiere tocar la guitarra, aunque la guerra sigue.", "es"),
  item("es-a2-ciudad", "A2", "d between vowels", "Cada sábado he andado por toda la ciudad.", "es"),
  item("es-b1-aire", "B1", "two vowels in one", "Hoy llueve y hay viento, pero en Europa el aire es bueno.", "es"),
  item("es-b1-tres", "B1", "groups of consonants", "Tres tristes tigres tragaban trigo en un trigal.", "es"),
];

function item(id: string, level: string, focus: string, text: string, language = "en"): DrillItem {
  return { id, language, text, level, focus };
}
