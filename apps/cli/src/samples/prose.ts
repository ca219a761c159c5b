import type { Random } from "./random.ts";

/** Sentences about gardens and software, put together from parts. */

const WORDS = {
  adjective:
    "quiet mossy patient sunlit crooked amber gentle restless hollow silver feral early stubborn velvet wintry",
  noun: "lantern orchard footpath trellis seedling harbour notebook kettle hedgerow archive beehive window compass meadow",
  plural: "ferns drafts lanterns mushrooms margins footnotes sparrows branches letters pebbles snapshots bookmarks",
  verb: "mended gathered counted pruned sketched carried repaired sorted planted borrowed watered labelled",
  place:
    "behind the greenhouse|under the old oak|near the well|between two releases|at the edge of the map|in the attic",
  time: "this morning|after the rain|before the first frost|on a slow Sunday|last autumn|once the tests were green",
} as const;

const LISTS = Object.fromEntries(
  Object.entries(WORDS).map(([kind, words]) => [kind, words.split(words.includes("|") ? "|" : " ")]),
) as Record<keyof typeof WORDS, string[]>;

const SENTENCES = [
  "I {verb} the {adjective} {noun} {time}.",
  "There is a {noun} {place}, and nobody remembers who {verb} it.",
  "The {plural} were {adjective} {time}, so we {verb} them {place}.",
  "Every {adjective} {noun} needs somebody who has {verb} it twice.",
  "What I wanted was a {noun}; what I got were {plural} {place}.",
  "You can't hurry a {noun}, and you shouldn't: it's {adjective} enough already.",
  'My neighbour calls it "the {adjective} {noun}" and leaves {plural} {place}.',
  "{time} the {plural} looked {adjective}, almost like a {noun} somebody {verb}.",
] as const;

/** A few words without a verb, such as "mossy lantern". */
export function phrase(random: Random): string {
  return fill(random, "{adjective} {noun}");
}

export function sentence(random: Random): string {
  const text = fill(random, random.pick(SENTENCES));
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function paragraph(random: Random, sentences: number): string {
  return Array.from({ length: sentences }, () => sentence(random)).join(" ");
}

/** What an address is made of: "A Quiet Lantern!" becomes "a-quiet-lantern". */
export function slug(text: string): string {
  return text
    .normalize("NFD")
    .toLowerCase()
    .replaceAll(/[\p{M}']/gu, "")
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

function fill(random: Random, template: string): string {
  const text = template.replaceAll(/\{(\w+)\}/g, (_, kind) => random.pick(LISTS[kind as keyof typeof WORDS]));
  return text.replaceAll(/\ba (?=[aeiou])/g, "an ");
}
