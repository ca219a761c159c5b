import {
  type DeadLetter,
  discardDeadLetter,
  findDeadLetter,
  type LetterFilter,
  listDeadLetters,
} from "@patina/catalog/dead-letters";
import type { Replayed } from "@patina/catalog/replay";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import type { Context } from "hono";
import * as v from "valibot";
import { MAX_REPLAYS, replay, replayMatching } from "../../replay.ts";
import type { Api } from "../app.ts";
import { Count, DatabaseName, Reason, Time } from "../fields.ts";
import { operation } from "../operation.ts";

/** Letters that a page has at most. */
const PAGE = 50;

const LetterId = v.pipe(v.string(), v.minLength(1), v.maxLength(200), v.description("The queue's id of the message."));

const Failure = v.strictObject({ code: v.nullable(v.string()), message: v.nullable(v.string()) });

const Letter = v.strictObject({
  id: v.string(),
  queue: v.string(),
  state: v.picklist(["open", "replayed", "discarded"]),
  job: v.nullable(v.string()),
  database: v.nullable(v.string()),
  generation: v.nullable(Count),
  attempts: Count,
  first_error: Failure,
  last_error: Failure,
  sent_at: Time,
  arrived_at: Time,
  body: v.pipe(v.unknown(), v.description("The message: ids and facts, never data of a database.")),
  closed_at: v.nullable(Time),
  closed_by: v.nullable(v.string()),
  reason: v.nullable(v.string()),
  replay_job: v.nullable(v.string()),
  replay_generation: v.nullable(Count),
});

const ReplayedLetter = v.strictObject({
  id: v.string(),
  end: v.picklist(["replayed", "refused", "unknown"]),
  job: v.nullable(v.string()),
  generation: v.nullable(Count),
  reason: v.nullable(v.string()),
});

const Matching = {
  queue: v.optional(v.pipe(v.string(), v.maxLength(100))),
  database: v.optional(DatabaseName),
  job: v.optional(v.pipe(v.string(), v.maxLength(100))),
};

const list = operation({
  method: "GET",
  path: "/dead-letters",
  tag: "Dead letters",
  summary: "Messages that will not be tried again, the newest first",
  query: {
    ...Matching,
    state: v.optional(v.picklist(["open", "replayed", "discarded"])),
    before: v.optional(v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.description("`next` of the page before."))),
  },
  answer: v.strictObject({ letters: v.array(Letter), next: v.nullable(v.string()) }),
  async handle(c, { query: { before, state, ...matching } }) {
    const found = await listDeadLetters(c.get("context").catalog, {
      filter: { ...filterOf(matching), ...(state === undefined ? {} : { state }) },
      limit: PAGE + 1,
      ...(before === undefined ? {} : { before: Number(before) }),
    });
    const shown = found.slice(0, PAGE);
    return { letters: shown.map(letterView), next: found.length > PAGE ? String(shown.at(-1)?.number) : null };
  },
});

const one = operation({
  method: "GET",
  path: "/dead-letters/:id",
  tag: "Dead letters",
  summary: "One dead letter",
  params: { id: LetterId },
  answer: Letter,
  problems: ["not_found"],
  async handle(c, { params: { id } }) {
    const letter = await findDeadLetter(c.get("context").catalog, id);
    if (letter === undefined) throw new PatinaError("not_found", "Cannot find this dead letter");
    return letterView(letter);
  },
});

const replayOne = operation({
  method: "POST",
  path: "/dead-letters/:id/replay",
  tag: "Dead letters",
  summary: "Do again what a dead letter stood for, once however often it is asked for",
  params: { id: LetterId },
  answer: ReplayedLetter,
  problems: ["not_found", "conflict"],
  async handle(c, { params: { id } }) {
    const [answer] = await replay([id], contextOf(c));
    if (answer === undefined || answer.end === "unknown") {
      throw new PatinaError("not_found", "Cannot find this dead letter");
    }
    if (answer.end === "refused") {
      throw new PatinaError("conflict", `Cannot replay this dead letter: ${answer.reason}`);
    }
    return replayedView(answer);
  },
});

const replayAll = operation({
  method: "POST",
  path: "/dead-letters/replay",
  tag: "Dead letters",
  summary: `Replay the open dead letters that match, ${MAX_REPLAYS} at most`,
  description: "`more` says whether others match: ask again. Those that are refused stay open, each with the reason.",
  body: Matching,
  answer: v.strictObject({ letters: v.array(ReplayedLetter), more: v.boolean() }),
  async handle(c, { body }) {
    const { letters, isMore } = await replayMatching(filterOf(body), contextOf(c));
    return { letters: letters.map(replayedView), more: isMore };
  },
});

const discard = operation({
  method: "POST",
  path: "/dead-letters/:id/discard",
  tag: "Dead letters",
  summary: "Close a dead letter without replaying it",
  params: { id: LetterId },
  body: { reason: Reason },
  answer: Letter,
  problems: ["not_found", "conflict"],
  async handle(c, { params: { id }, body: { reason } }) {
    const { catalog, clock, actor } = contextOf(c);
    return letterView(await discardDeadLetter(catalog, { id, reason, actor, now: clock() }));
  },
});

export const deadLetters = [list, replayAll, one, replayOne, discard];

function contextOf(c: Context<Api>) {
  return { ...c.get("context"), actor: { name: c.get("principal").name, request: c.get("request") } };
}

function filterOf({
  queue,
  database,
  job,
}: {
  queue?: string | undefined;
  database?: string | undefined;
  job?: string | undefined;
}): LetterFilter {
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(database === undefined ? {} : { database }),
    ...(job === undefined ? {} : { job }),
  };
}

function letterView(letter: DeadLetter): v.InferOutput<typeof Letter> {
  return {
    id: letter.id,
    queue: letter.queue,
    state: letter.state,
    job: letter.jobId,
    database: letter.database,
    generation: letter.generation,
    attempts: letter.attempts,
    first_error: { code: letter.firstErrorCode, message: letter.firstError },
    last_error: { code: letter.errorCode, message: letter.error },
    sent_at: timestamp(letter.sentAt),
    arrived_at: timestamp(letter.arrivedAt),
    body: JSON.parse(letter.body),
    closed_at: letter.closedAt === null ? null : timestamp(letter.closedAt),
    closed_by: letter.closedBy,
    reason: letter.reason,
    replay_job: letter.replayJob,
    replay_generation: letter.replayGeneration,
  };
}

function replayedView(answer: Replayed): v.InferOutput<typeof ReplayedLetter> {
  const job = answer.end === "replayed" ? answer.job : null;
  const generation = answer.end === "replayed" ? answer.generation : null;
  return { id: answer.id, end: answer.end, job, generation, reason: answer.end === "refused" ? answer.reason : null };
}
