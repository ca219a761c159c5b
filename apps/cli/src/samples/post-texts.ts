/** Written by hand: the titles of the blog, and its first post, which holds everything that is easy to get wrong. */

export const FIRST_POST = String.raw`It's the *first* post, and I moved the whole blog into SQLite to celebrate. 🎉

## What I ran

${"```"}sql
BEGIN TRANSACTION;
INSERT INTO posts (title) VALUES ('Rosie''s "lantern" post -- really; no comment');
UPDATE posts SET body = replace(body, '\n', char(10));
COMMIT;
${"```"}

On the old machine the drafts were in C:\new\texts\2026, and every \n in that path became a new line.
A percent sign 100%, a question mark ?1, a dollar $1, a backtick ${"`"}, an ampersand &amp; and a NULL that is only a word.

	- a tab at the start of this line
  - two spaces at the end of this one${"  "}

Accents come composed (${"\u00e9"}) and decomposed (${"e\u0301"}). Scripts: Ελληνικά, Кириллица, עברית, العربية, 日本語, हिन्दी.
Families 👨‍👩‍👧‍👦, flags 🇨🇦🏴‍☠️, skin 🧑🏽‍🌾, old plane-one letters 𝔊𝔯𝔬𝔳𝔢, and a lone zero-width joiner: ${"\u200d"}.

The word of the day is *petrichor*; if the search finds it, the index survived.`;

export const POST_TITLES = [
  "Hello, Lantern 🏮",
  "Why I Prune My Drafts in November",
  "Notes on a Small Greenhouse",
  "O'Hollow's Law: \"Every Shed Grows\"",
  "Five Hundred Days of Compost",
  "A Queue Is a Kind of Hedge",
  "This Post Was a Mistake",
  "Crème brûlée, but for Databases",
  "How to Label 40 Seed Jars",
  "On Keeping Every Byte",
  "The Night the Backups Ran Twice",
  "Mushrooms I Have Misnamed",
  "日記: 秋の森",
  "A Letter to the Previous Owner",
  "Restore First, Panic Later",
  "Rain Barrels and Rate Limits",
  "What the Beehive Taught Me about Leases",
  "Half a Percent of a Garden (0.5%)",
  "The Slow Sunday Release",
  "Draft: Tools I Would Buy Again",
  "Draft: Untitled \\o/",
  "Draft: <Markup> Without Tears",
] as const;
