import * as v from "valibot";
import { choose } from "../choice.ts";
import type { ApiClient } from "./client.ts";

const Failure = v.object({ code: v.nullable(v.string()), message: v.nullable(v.string()) });

/** A message that will not be tried again, as the API shows it. */
export const Letter = v.looseObject({
  id: v.string(),
  queue: v.string(),
  state: v.picklist(["open", "replayed", "discarded"]),
  job: v.nullable(v.string()),
  database: v.nullable(v.string()),
  attempts: v.number(),
  first_error: Failure,
  last_error: Failure,
  sent_at: v.string(),
  arrived_at: v.string(),
  body: v.unknown(),
  closed_at: v.nullable(v.string()),
  closed_by: v.nullable(v.string()),
  reason: v.nullable(v.string()),
  replay_job: v.nullable(v.string()),
});
export type Letter = v.InferOutput<typeof Letter>;

const Page = v.object({ letters: v.array(Letter), next: v.nullable(v.string()) });

export const LETTER_STATES = ["open", "replayed", "discarded"] as const;

export interface LetterFilter {
  readonly state?: (typeof LETTER_STATES)[number];
  readonly queue?: string;
  readonly database?: string;
  readonly job?: string;
}

/** Dead letters, the newest first, as far as they are asked for. */
export async function* lettersOf(api: ApiClient, filter: LetterFilter): AsyncGenerator<Letter> {
  for (let before: string | null = null; ; ) {
    const query = new URLSearchParams({ ...filter, ...(before === null ? {} : { before }) });
    const page: v.InferOutput<typeof Page> = await api.get(`/dead-letters?${query}`, Page);
    yield* page.letters;
    if (page.next === null) return;
    before = page.next;
  }
}

/** Letters among which the beginning of an id is looked for. */
const MOST = 500;

/**
 * The letter that somebody means by its id, or by the beginning of a recent one's.
 *
 * @throws {CommandError} exit 10 when there is none, exit 2 when there are several
 */
export async function letterMeant(api: ApiClient, typed: string): Promise<Letter> {
  const path = (id: string) => `/dead-letters/${encodeURIComponent(id)}`;
  const exact = typed === "" ? null : await api.find(path(typed), Letter);
  if (exact !== null) return exact;
  const ids: string[] = [];
  for await (const { id } of lettersOf(api, {})) if (ids.push(id) === MOST) break;
  return await api.get(path(choose(typed, { names: ids, thing: "dead letter" })), Letter);
}

/** What became of a letter that was to be replayed. */
export const Replayed = v.object({
  id: v.string(),
  end: v.picklist(["replayed", "refused", "unknown"]),
  job: v.nullable(v.string()),
  reason: v.nullable(v.string()),
});
export type Replayed = v.InferOutput<typeof Replayed>;

export const ReplayedAll = v.object({ letters: v.array(Replayed), more: v.boolean() });
