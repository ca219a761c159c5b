import { dateOf, MINUTE } from "@patina/core/date";
import { manualJobId } from "@patina/core/job";
import { isLiveQueue, type LiveQueue, type Message } from "@patina/messages/message";
import { type SQL, sql } from "drizzle-orm";
import { type Actor, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { IS_IDLE, openingStatements } from "./jobs.ts";
import { MAX_RESENDS } from "./lost-work.ts";
import type { AlertRef } from "./outbox.ts";
import { type OpenLetter, planReplay, understand } from "./replay-plan.ts";
import { transaction } from "./transaction.ts";

/** Letters that are replayed in one transaction. */
const CHUNK = 50;

export interface ReplayRequest {
  readonly ids: readonly string[];
  readonly actor: Actor;
  readonly now: number;
  /** Three random bytes for the id of a manual job. */
  readonly entropy: () => Uint8Array;
}

/** What became of one letter. */
export type Replayed =
  | {
      readonly id: string;
      readonly end: "replayed";
      /** Where its task is now: its own job, or a manual one that says `replay_of`; null for what has no task. */
      readonly job: string | null;
      readonly generation: number | null;
      /** False: it had been replayed before. */
      readonly isNew: boolean;
    }
  | { readonly id: string; readonly end: "refused"; readonly reason: string }
  | { readonly id: string; readonly end: "unknown" };

/**
 * Replays dead letters: raises the generation of their tasks, or opens manual jobs for those that come too late for their
 * own date; sets alerts waiting again; and leaves every other message to be sent, see pendingReplays(). A letter is
 * replayed once: asking again says what was done.
 */
export async function replayDeadLetters(
  catalog: Catalog,
  { ids, ...request }: ReplayRequest,
): Promise<readonly Replayed[]> {
  const all: Replayed[] = [];
  for (let i = 0; i < ids.length; i += CHUNK) {
    all.push(...(await replayChunk(catalog, { ids: ids.slice(i, i + CHUNK), ...request })));
  }
  return all;
}

async function replayChunk(catalog: Catalog, request: ReplayRequest): Promise<Replayed[]> {
  const { ids, now } = request;
  const before = await readLetters(catalog, ids);
  const open = [...before.values()].filter(({ state }) => state === "open");
  const statements = open.flatMap((letter) => statementsFor(letter, request));
  await transaction(catalog, [...statements, ...manualStatements(open, request)]);
  const after = await readLetters(catalog, ids);
  return ids.map((id) => {
    const letter = after.get(id);
    if (letter === undefined) return { id, end: "unknown" };
    if (letter.state === "discarded") return { id, end: "refused", reason: "it was discarded" };
    if (letter.state === "replayed") {
      const isNew = before.get(id)?.state === "open";
      return { id, end: "replayed", job: letter.replayJob, generation: letter.replayGeneration, isNew };
    }
    const plan = planReplay(letter, now);
    return { id, end: "refused", reason: plan.do === "refuse" ? plan.reason : "its database is being backed up now" };
  });
}

type KnownLetter = OpenLetter & Pick<DeadLetter, "id" | "state" | "jobId" | "replayJob" | "replayGeneration">;

async function readLetters(catalog: Catalog, ids: readonly string[]): Promise<Map<string, KnownLetter>> {
  const rows = await catalog.all<
    Omit<KnownLetter, "task" | "isRegistered"> & {
      taskGeneration: number | null;
      taskState: string | null;
      registered: number;
    }
  >(
    sql`select l.id as "id", l.state as "state", l.queue as "queue", l.body as "body", l.job_id as "jobId",
          l.database as "database", l.generation as "generation", l.replay_job as "replayJob",
          l.replay_generation as "replayGeneration", t.generation as "taskGeneration", t.state as "taskState",
          j.scheduled_for as "scheduledFor",
          exists (select 1 from databases d where d.name = l.database) as "registered",
          case when l.queue = 'patina-alerts' and json_valid(l.body) then (select o.state from alert_outbox o
            where o.event = l.body ->> 'event' and o.channel = l.body ->> 'channel') end as "alertState"
        from dead_letters l
        left join backup_tasks t on t.job_id = l.job_id and t.database = l.database
        left join backup_jobs j on j.id = l.job_id
        where l.id in (select value from json_each(${JSON.stringify(ids)}))`,
  );
  return new Map(
    rows.map(({ taskGeneration, taskState, registered, ...row }) => {
      const task =
        taskGeneration === null || taskState === null ? null : { generation: taskGeneration, state: taskState };
      return [row.id, { ...row, task, isRegistered: registered === 1 }];
    }),
  );
}

function statementsFor(letter: KnownLetter, request: ReplayRequest): SQL[] {
  const plan = planReplay(letter, request.now);
  switch (plan.do) {
    case "rerun":
    case "report":
      return [
        ...raiseGeneration(letter, { as: plan.do, now: request.now }),
        ...closeTask(letter, { as: plan.do, request }),
      ];
    case "follow":
      return closeTask(letter, { as: "follow", request });
    case "alert":
      return sendAlertAgain(letter, { alert: plan.alert, request });
    case "resend":
      return close(letter, { request, where: sql`true`, resentAt: null });
    case "manual":
    case "refuse":
      return [];
  }
}

/** The condition that a letter is still open. */
function isOpen({ id }: { readonly id: string }): SQL {
  return sql`exists (select 1 from dead_letters where id = ${id} and state = 'open')`;
}

/** How long the tick leaves the task of a result alone that is sent again. */
const REPORT_PATIENCE = 30 * MINUTE;

/**
 * The task starts again. A report has its message sent by whoever replays it; the tick must not export instead, under a
 * date that may have passed, so it finds the task's resends used up should the message be lost.
 */
function raiseGeneration(letter: KnownLetter, { as, now }: { as: "rerun" | "report"; now: number }): SQL[] {
  const { jobId, database, generation } = letter;
  const [sentAt, nextAttemptAt, resends] =
    as === "report" ? [now, now + REPORT_PATIENCE, MAX_RESENDS] : [null, null, 0];
  return [
    sql`update backup_tasks set generation = generation + 1, state = 'queued', attempt = 0, sent_at = ${sentAt},
          resends = ${resends}, lease_holder = null, lease_expires_at = null, next_attempt_at = ${nextAttemptAt},
          checkpoint = null, started_at = null, finished_at = null, error_code = null, error = null
        where job_id = ${jobId} and database = ${database} and generation = ${generation} and state = 'failed'
          and ${isOpen(letter)}`,
    sql`insert into task_events (job_id, database, generation, event, at)
        select job_id, database, generation, 'queued', ${now} from backup_tasks t
        where job_id = ${jobId} and database = ${database} and generation > ${generation} and ${isOpen(letter)}
          and not exists (select 1 from task_events e
            where e.job_id = t.job_id and e.database = t.database and e.generation = t.generation)`,
  ];
}

/** Closes a letter whose task goes on in a later generation, and every other letter of the generation it replaces. */
function closeTask(
  letter: KnownLetter,
  { as, request }: { as: "rerun" | "report" | "follow"; request: ReplayRequest },
): SQL[] {
  const { jobId, database, generation, id } = letter;
  const { actor, now } = request;
  const replaced = sql`exists (select 1 from backup_tasks
      where job_id = ${jobId} and database = ${database} and generation > ${generation})`;
  const others = sql`job_id = ${jobId} and database = ${database} and generation = ${generation} and state = 'open'
      and id <> ${id} and ${replaced}`;
  const raised = sql`(select generation from backup_tasks where job_id = ${jobId} and database = ${database})`;
  return [
    ...close(letter, {
      request,
      where: replaced,
      resentAt: as === "report" ? null : now,
      job: jobId,
      generation: raised,
    }),
    sql`insert into audit_log (at, actor, action, subject, detail, request)
        select ${now}, ${actor.name}, 'dead-letter.replay', id, json_object('queue', queue, 'job', job_id,
          'database', database, 'with', ${id}), ${actor.request}
        from dead_letters where ${others}`,
    sql`update dead_letters set state = 'replayed', closed_at = ${now}, closed_by = ${actor.name}, resent_at = ${now},
          replay_job = ${jobId}, replay_generation = ${raised}
        where ${others}`,
  ];
}

function sendAlertAgain(letter: KnownLetter, { alert, request }: { alert: AlertRef; request: ReplayRequest }): SQL[] {
  const row = sql`event = ${alert.event} and channel = ${alert.channel}`;
  return [
    sql`update alert_outbox set state = 'pending', next_attempt_at = null, lease_expires_at = null, error = null
        where ${row} and state = 'given_up' and ${isOpen(letter)}`,
    ...close(letter, {
      request,
      where: sql`exists (select 1 from alert_outbox where ${row} and state in ('pending', 'sending'))`,
      resentAt: request.now,
    }),
  ];
}

/** One manual job for the letters of each job whose date has passed. */
function manualStatements(letters: readonly KnownLetter[], request: ReplayRequest): SQL[] {
  const { now, entropy } = request;
  const late = letters.filter((letter) => planReplay(letter, now).do === "manual");
  const jobs = Map.groupBy(late, ({ jobId }) => jobId ?? "");
  return [...jobs].flatMap(([replayOf, group]) => {
    const id = manualJobId(now, entropy());
    const ids = JSON.stringify(group.map((letter) => letter.id));
    const asked = sql`select name, priority from databases where name in (
        select database from dead_letters where state = 'open' and id in (select value from json_each(${ids})))`;
    const reason = `Replay of dead letters of ${replayOf}`;
    const job = {
      id,
      kind: "manual",
      trigger: "api",
      reason,
      replayOf,
      date: dateOf(now),
      scheduledFor: now,
      now,
    } as const;
    return [
      ...openingStatements({ job, wanted: sql`select name, priority from (${asked}) as asked where ${IS_IDLE}` }),
      ...group.flatMap((letter) =>
        close(letter, {
          request,
          where: sql`exists (select 1 from backup_tasks where job_id = ${id} and database = ${letter.database})`,
          resentAt: now,
          job: id,
          generation: sql`1`,
        }),
      ),
    ];
  });
}

/** Notes that a letter was replayed, with its audit row, if it is open and `where` holds. */
function close(
  letter: KnownLetter,
  options: { request: ReplayRequest; where: SQL; resentAt: number | null; job?: string | null; generation?: SQL },
): SQL[] {
  const { request, where, resentAt, job = null, generation = sql`null` } = options;
  const { actor, now } = request;
  const { id, queue, database } = letter;
  return [
    auditStatement(
      { at: now, actor, action: "dead-letter.replay", subject: id, detail: { queue, job, database } },
      sql`${isOpen(letter)} and ${where}`,
    ),
    sql`update dead_letters set state = 'replayed', closed_at = ${now}, closed_by = ${actor.name},
          resent_at = ${resentAt}, replay_job = ${job}, replay_generation = ${generation}
        where id = ${id} and state = 'open' and ${where}`,
  ];
}

/** A replayed message that is still to be sent. */
export interface PendingReplay {
  readonly id: string;
  readonly queue: LiveQueue;
  readonly message: Message;
}

/** Messages of replays that nobody has sent yet: for whoever replayed them, and for the tick, should that have stopped. */
export async function pendingReplays(catalog: Catalog, limit: number): Promise<PendingReplay[]> {
  const rows = await catalog.all<{ id: string; queue: string; body: string; generation: number | null }>(
    sql`select id as "id", queue as "queue", body as "body", replay_generation as "generation" from dead_letters
        where state = 'replayed' and resent_at is null order by closed_at limit ${limit}`,
  );
  return rows.flatMap(({ id, queue, body, generation }) => {
    const message = understand({ queue, body });
    if (message === null || !isLiveQueue(queue)) return [];
    const again = generation !== null && "generation" in message ? { ...message, generation } : message;
    return [{ id, queue, message: again }];
  });
}

/** Notes that the message of a replay is in its queue. */
export async function markReplaySent(catalog: Catalog, { id, now }: { id: string; now: number }): Promise<void> {
  await catalog.run(sql`update dead_letters set resent_at = ${now} where id = ${id} and resent_at is null`);
}
