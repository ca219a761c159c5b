import { PatinaError } from "@patina/core/error";
import { amount } from "@patina/core/wording";
import { Command, Option } from "commander";
import type { ApiClient } from "../api/client.ts";
import {
  LETTER_STATES,
  Letter,
  type LetterFilter,
  letterMeant,
  lettersOf,
  Replayed,
  ReplayedAll,
} from "../api/dead-letters.ts";
import { EXIT, usageError } from "../failure.ts";
import { ago } from "../output/ago.ts";
import { facts } from "../output/facts.ts";
import { note, printData, printJson, tone } from "../output/print.ts";
import { type Column, table } from "../output/table.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";
import { limit } from "./values.ts";

/** `patina dead-letters`: messages that Patina gave up. */
export function deadLettersCommand(): Command {
  const letters = new Command("dead-letters").description("List, show, replay and discard messages that were given up");
  letters.addCommand(listCommand());
  letters.addCommand(showCommand());
  letters.addCommand(replayCommand());
  letters.addCommand(discardCommand());
  return letters;
}

const LETTER_HELP = "a dead letter's id, or the beginning of it";

interface FilterOptions extends ApiOptions {
  readonly database?: string;
  readonly job?: string;
  readonly queue?: string;
}

/** A command about some of the letters. */
function filtered(name: string, description: string): Command {
  return apiCommand(name, description)
    .option("--database <name>", "only of this database")
    .option("--job <id>", "only of this job")
    .option("--queue <name>", "only of this queue, such as patina-exports");
}

function filterOf({ database, job, queue }: FilterOptions): LetterFilter {
  return {
    ...(database === undefined ? {} : { database }),
    ...(job === undefined ? {} : { job }),
    ...(queue === undefined ? {} : { queue }),
  };
}

interface ListOptions extends FilterOptions {
  readonly state: (typeof LETTER_STATES)[number] | "all";
  readonly limit: number;
}

function listCommand(): Command {
  return filtered("list", "List dead letters, the newest first")
    .addOption(new Option("--state <state>", "which of them").choices([...LETTER_STATES, "all"]).default("open"))
    .option("--limit <number>", "at most so many", limit, 50)
    .action(async (options: ListOptions) => {
      const state = options.state === "all" ? {} : { state: options.state };
      const found: Letter[] = [];
      let hasMore = false;
      for await (const letter of lettersOf(apiOf(options), { ...filterOf(options), ...state })) {
        hasMore = found.length === options.limit;
        if (hasMore) break;
        found.push(letter);
      }
      if (options.json) printJson({ letters: found, more: hasMore });
      else if (found.length > 0) printData(table(found, COLUMNS));
      if (found.length === 0) note("There are no dead letters.");
      if (hasMore) note(`There are more: --limit ${Math.min(100_000, options.limit * 10)} looks further back.`);
    });
}

const COLUMNS: readonly Column<Letter>[] = [
  { head: "letter", value: ({ id }) => id, show: ({ id }) => id.slice(0, 12) },
  ago("age", ({ arrived_at }) => arrived_at),
  { head: "state", value: ({ state }) => state, show: ({ state }) => tone(state === "open" ? "warn" : "quiet", state) },
  { head: "queue", value: ({ queue }) => queue },
  { head: "database", value: ({ database }) => database ?? "-" },
  { head: "job", value: ({ job }) => job ?? "-" },
  { head: "attempts", value: ({ attempts }) => attempts },
  { head: "error", value: ({ last_error }) => last_error.message ?? last_error.code ?? "-" },
];

function showCommand(): Command {
  return apiCommand("show", "Show one dead letter with its message")
    .argument("<letter>", LETTER_HELP)
    .action(async (typed: string, options: ApiOptions) => {
      const letter = await letterMeant(apiOf(options), typed);
      if (options.json) printJson(letter);
      else printData(describe(letter));
    });
}

function describe(letter: Letter): string {
  const closed: readonly [string, string][] =
    letter.closed_at === null
      ? []
      : [
          [letter.state, `${letter.closed_at} by ${letter.closed_by ?? "nobody known"}`],
          ...(letter.reason === null ? [] : [["reason", letter.reason] as [string, string]]),
          ...(letter.replay_job === null ? [] : [["replayed in", letter.replay_job] as [string, string]]),
        ];
  const lines = facts([
    ["letter", letter.id],
    ["state", letter.state],
    ["queue", letter.queue],
    ["database", letter.database ?? "-"],
    ["job", letter.job ?? "-"],
    ["attempts", String(letter.attempts)],
    ["sent", letter.sent_at],
    ["arrived", letter.arrived_at],
    ["first error", wordsOf(letter.first_error)],
    ["last error", wordsOf(letter.last_error)],
    ...closed,
  ]);
  return `${lines}\n\n${JSON.stringify(letter.body, null, 2)}`;
}

function wordsOf({ code, message }: Letter["last_error"]): string {
  return [code, message].filter((part) => part !== null).join(": ") || "-";
}

interface ReplayOptions extends FilterOptions {
  readonly all?: true;
}

function replayCommand(): Command {
  return filtered("replay", "Do again what dead letters stand for; once, however often it is asked for")
    .argument("[letters...]", LETTER_HELP)
    .option("--all", "every open one, of --database, --job or --queue if they are given")
    .action(async (typed: string[], options: ReplayOptions) => {
      process.exitCode = await replay(typed, options);
    });
}

async function replay(typed: readonly string[], options: ReplayOptions): Promise<number> {
  const hasFilter = Object.keys(filterOf(options)).length > 0;
  if ((typed.length === 0) !== (options.all === true) || (hasFilter && !options.all)) {
    throw usageError(
      "Cannot tell which dead letters are meant",
      "Name some of patina dead-letters list, or say --all.",
    );
  }
  const api = apiOf(options);
  const ended = options.all ? await replayAll(api, options) : await replayEach(api, typed);
  if (options.json) printJson({ letters: ended });
  else if (ended.length > 0) printData(table(ended, REPLAYED));
  const done = ended.filter(({ end }) => end === "replayed").length;
  note(
    ended.length === 0 ? "There is nothing to replay." : `${done} of ${amount(ended.length, "dead letter")} replayed.`,
  );
  if (done === ended.length) return EXIT.ok;
  return done === 0 ? EXIT.conflict : EXIT.partly;
}

async function replayEach(api: ApiClient, typed: readonly string[]): Promise<Replayed[]> {
  const ids = new Set<string>();
  for (const word of typed) ids.add((await letterMeant(api, word)).id);
  const ended: Replayed[] = [];
  for (const id of ids) {
    try {
      ended.push(await api.send("POST", `/dead-letters/${encodeURIComponent(id)}/replay`, { schema: Replayed }));
    } catch (error) {
      if (!(error instanceof PatinaError) || error.code !== "conflict") throw error;
      ended.push({ id, end: "refused", job: null, reason: error.message });
    }
  }
  return ended;
}

/** The API replays a hundred at once. What was refused stays open, and must not be asked for again and again. */
async function replayAll(api: ApiClient, options: ReplayOptions): Promise<Replayed[]> {
  const ended = new Map<string, Replayed>();
  for (;;) {
    const { letters, more } = await api.send("POST", "/dead-letters/replay", {
      body: filterOf(options),
      schema: ReplayedAll,
    });
    const isNew = letters.some(({ id }) => !ended.has(id));
    for (const letter of letters) ended.set(letter.id, letter);
    if (!more || !isNew) return [...ended.values()];
  }
}

const REPLAYED: readonly Column<Replayed>[] = [
  { head: "letter", value: ({ id }) => id, show: ({ id }) => id.slice(0, 12) },
  { head: "end", value: ({ end }) => end, show: ({ end }) => tone(end === "replayed" ? "good" : "bad", end) },
  { head: "job", value: ({ job }) => job ?? "-" },
  { head: "reason", value: ({ reason }) => reason ?? "" },
];

interface DiscardOptions extends ApiOptions {
  readonly reason: string;
}

function discardCommand(): Command {
  return apiCommand("discard", "Close dead letters without replaying them")
    .argument("<letters...>", LETTER_HELP)
    .requiredOption("--reason <text>", "why, for the audit log")
    .action(async (typed: string[], options: DiscardOptions) => {
      const api = apiOf(options);
      const meant = new Map<string, Letter>();
      for (const word of typed) {
        const letter = await letterMeant(api, word);
        meant.set(letter.id, letter);
      }
      const closed: Letter[] = [];
      for (const id of meant.keys()) {
        const body = { reason: options.reason };
        closed.push(
          await api.send("POST", `/dead-letters/${encodeURIComponent(id)}/discard`, { body, schema: Letter }),
        );
      }
      if (options.json) printJson({ letters: closed });
      else printData(table(closed, COLUMNS));
      note(`${amount(closed.length, "dead letter")} discarded.`);
    });
}
