import type { Random } from "./random.ts";

/** People who do not exist, at addresses that the RFCs keep for documentation (2606, 5737, 3849). */

const GIVEN = (
  "Ilse Maren Tobin Zoë Søren Núria Odalys Petrik Wren Juniper Bastien Isolde Fenn Halvard Priya Łucja Kofi Yuki " +
  "Étienne Ingrið Rowan Thandi Ömer Saoirse Marisol Dag Anouk Linnea"
).split(" ");

const FAMILY = (
  "Brambleworth Fenwillow Mossgård Tollwick Aldertree O'Hollow Thistlemere Cedarholt Rookwynd Larkentide Hazelbrück " +
  "Ashenford Quillfeather Dunmarrow Oakenshaw-Reed Nettlebourne Silverbirch Wyndle Emberleigh Mistral-Fern Kestrelmoor"
).split(" ");

const AGENTS = [
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
  "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
  "grove-cli/0.9.2 (+https://grove.example.com/cli)",
] as const;

interface Person {
  readonly name: string;
  readonly email: string;
}

/** The number keeps addresses of namesakes apart. */
export function person(random: Random, number: number): Person {
  const given = random.pick(GIVEN);
  const family = random.pick(FAMILY);
  const host = random.favour(["example.com", "example.org", "example.net", "mail.example.com"]);
  return { name: `${given} ${family}`, email: `${plain(given)}.${plain(family)}${number}@${host}` };
}

export function ipAddress(random: Random): string {
  if (random.chance(0.2))
    return `2001:db8:${random.int(1, 0xffff).toString(16)}::${random.int(1, 0xffff).toString(16)}`;
  return `${random.pick(["192.0.2", "198.51.100", "203.0.113"])}.${random.int(1, 254)}`;
}

export function userAgent(random: Random): string {
  return random.favour(AGENTS);
}

/** Lower-case ASCII letters only, accents taken off. */
function plain(name: string): string {
  return name
    .normalize("NFD")
    .toLowerCase()
    .replaceAll("ł", "l")
    .replaceAll("ø", "o")
    .replaceAll("ð", "d")
    .replaceAll(/[^a-z]/g, "");
}
