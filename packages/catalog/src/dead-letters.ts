import { PatinaError } from "@patina/core/error";
import { and, desc, eq, getTableColumns, lt, type SQL, sql } from "drizzle-orm";
import { raiseEvent } from "./alert-events.ts";
import { type Actor, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import type { AlertRef } from "./outbox.ts";
import { deadLetters } from "./schema.ts";
import { transaction } from "./transaction.ts";

export type DeadLetter = typeof deadLetters.$inferSelect;

/** A letter as it arrives. */
export type NewDeadLetter = Pick<
  DeadLetter,
  | "id"
  | "queue"
  | "body"
  | "jobId"
  | "database"
  | "generation"
  | "attempts"
  | "errorCode"
  | "error"
  | "sentAt"
  | "arrivedAt"
> & {
  /** The alert that the message stood for. */
  readonly alert: AlertRef | null;
};

/**
 * Records dead letters, gives up the alerts that they stood for, and tells of them. The same letter delivered again
 * changes nothing, also when it was replayed in between.
 */
export async function recordDeadLetters(catalog: Catalog, letters: readonly NewDeadLetter[]): Promise<void> {
  await transaction(catalog, letters.flatMap(recordStatements));
}

function recordStatements({ alert, ...letter }: NewDeadLetter): SQL[] {
  const isNew = sql`not exists (select 1 from dead_letters where id = ${letter.id})`;
  const { jobId, attempts, errorCode, error } = letter;
  const { first, last } = rememberedErrors(letter, alert);
  const only = (value: string | null) => (attempts <= 1 ? value : null);
  return [
    ...(alert === null
      ? []
      : [giveUpAlert(alert, { error: error ?? "Every attempt to send it failed", where: isNew })]),
    sql`insert into dead_letters (id, queue, body, job_id, database, generation, attempts, sent_at, arrived_at,
          first_error_code, first_error, error_code, error)
        values (${letter.id}, ${letter.queue}, ${letter.body}, ${jobId}, ${letter.database}, ${letter.generation},
          ${attempts}, ${letter.sentAt}, ${letter.arrivedAt},
          coalesce(${first.code}, ${only(errorCode)}), coalesce(${first.error}, ${only(error)}),
          coalesce(${errorCode}, ${last.code}), coalesce(${error}, ${last.error}))
        on conflict (id) do nothing`,
    ...tellOf(letter, alert),
  ];
}

interface Remembered {
  readonly code: SQL;
  readonly error: SQL;
}

/** What a message itself does not know of its attempts, its task or its alert remembers. */
function rememberedErrors(
  { jobId, database, generation }: Omit<NewDeadLetter, "alert">,
  alert: AlertRef | null,
): { readonly first: Remembered; readonly last: Remembered } {
  if (alert !== null) {
    const of = (column: SQL) =>
      sql`(select ${column} from alert_outbox where event = ${alert.event} and channel = ${alert.channel})`;
    const code = sql`null`;
    return { first: { code, error: of(sql`first_error`) }, last: { code, error: of(sql`error`) } };
  }
  const of = (column: SQL, order: SQL) =>
    sql`(select ${column} from task_events where job_id = ${jobId} and database = ${database}
        and generation = ${generation} and error is not null order by id ${order} limit 1)`;
  const at = (order: SQL) => ({ code: of(sql`error_code`, order), error: of(sql`error`, order) });
  return { first: at(sql`asc`), last: at(sql`desc`) };
}

function giveUpAlert({ event, channel }: AlertRef, { error, where }: { error: string; where: SQL }): SQL {
  return sql`update alert_outbox set state = 'given_up', lease_expires_at = null, next_attempt_at = null,
        error = coalesce(error, ${error})
      where event = ${event} and channel = ${channel} and state in ('pending', 'sending') and ${where}`;
}

/** How the id of every event begins that tells of a letter. */
const TELLS_OF_LETTER = "dead-letter:";

/**
 * A letter is told of, but never one that told of a letter: two channels that are both down would otherwise report each
 * other for ever.
 */
function tellOf(
  { id, queue, jobId, database, generation, arrivedAt }: Omit<NewDeadLetter, "alert">,
  alert: AlertRef | null,
): SQL[] {
  if (alert?.event.startsWith(TELLS_OF_LETTER)) return [];
  const failedChannel = alert?.channel ?? null;
  // Of a task that has ended well, such as the second delivery of its export: there is nothing to do about it.
  const isNews = sql`not exists (select 1 from backup_tasks
      where job_id = ${jobId} and database = ${database} and generation >= ${generation} and state = 'done')`;
  return raiseEvent(
    { kind: "dead-letter", letter: id, queue, job: jobId, database, generation, failedChannel },
    { now: arrivedAt, where: isNews },
  );
}

/** Which letters are meant; what is left out does not matter. */
export interface LetterFilter {
  readonly state?: DeadLetter["state"];
  readonly queue?: string;
  readonly job?: string;
  readonly database?: string;
  readonly errorCode?: string;
}

/** A letter in a list. `number` rises with every letter that arrives. */
export type ListedLetter = DeadLetter & { readonly number: number };

const number = sql<number>`${deadLetters}.rowid`;

function matches({ state, queue, job, database, errorCode }: LetterFilter) {
  return and(
    state === undefined ? undefined : eq(deadLetters.state, state),
    queue === undefined ? undefined : eq(deadLetters.queue, queue),
    job === undefined ? undefined : eq(deadLetters.jobId, job),
    database === undefined ? undefined : eq(deadLetters.database, database),
    errorCode === undefined ? undefined : eq(deadLetters.errorCode, errorCode),
  );
}

/** Letters, newest first; `before` is the number of the last one of the page before. */
export async function listDeadLetters(
  catalog: Catalog,
  { filter = {}, limit, before }: { filter?: LetterFilter; limit: number; before?: number },
): Promise<ListedLetter[]> {
  return await catalog
    .select({ number, ...getTableColumns(deadLetters) })
    .from(deadLetters)
    .where(and(matches(filter), before === undefined ? undefined : lt(number, before)))
    .orderBy(desc(number))
    .limit(limit);
}

export async function findDeadLetter(catalog: Catalog, id: string): Promise<DeadLetter | undefined> {
  const [found] = await catalog.select().from(deadLetters).where(eq(deadLetters.id, id));
  return found;
}

/** How many letters match, such as those that are still open. */
export async function countDeadLetters(catalog: Catalog, filter: LetterFilter): Promise<number> {
  return await catalog.$count(deadLetters, matches(filter));
}

/**
 * Closes a letter without replaying it. Discarding it again changes nothing.
 *
 * @throws {PatinaError} `not_found`; `invalid_request` without a reason; `conflict` when it was replayed
 */
export async function discardDeadLetter(
  catalog: Catalog,
  { id, reason, actor, now }: { id: string; reason: string; actor: Actor; now: number },
): Promise<DeadLetter> {
  if (reason.trim() === "") {
    throw new PatinaError("invalid_request", "Cannot discard a dead letter without a reason");
  }
  const isOpen = sql`exists (select 1 from dead_letters where id = ${id} and state = 'open')`;
  await transaction(catalog, [
    auditStatement({ at: now, actor, action: "dead-letter.discard", subject: id, detail: { reason } }, isOpen),
    sql`update dead_letters set state = 'discarded', closed_at = ${now}, closed_by = ${actor.name}, reason = ${reason}
        where id = ${id} and state = 'open'`,
  ]);
  const letter = await findDeadLetter(catalog, id);
  if (letter === undefined) throw new PatinaError("not_found", "Cannot find this dead letter");
  if (letter.state === "replayed") {
    throw new PatinaError("conflict", "Cannot discard this dead letter: it was replayed already");
  }
  return letter;
}

/** How many dead letters nobody has dealt with. */
export async function countOpenLetters(catalog: Catalog): Promise<number> {
  return await catalog.$count(deadLetters, eq(deadLetters.state, "open"));
}
