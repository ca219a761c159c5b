import { type AlertEvent, eventId, subjectOf } from "@patina/alerts/event";
import { QUEUES } from "@patina/messages/queues";
import { desc, type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { alertEvents } from "./schema.ts";
import { transaction } from "./transaction.ts";

export type RaisedEvent = typeof alertEvents.$inferSelect;

/**
 * The statements that write an event with one outbox row for every channel that wants it: for the transaction() that
 * makes the event true. Raising the same event again changes nothing.
 *
 * @param where what must hold for the event to be true, such as that the statement before has taken effect
 */
export function raiseEvent(event: AlertEvent, { now, where = sql`true` }: { now: number; where?: SQL }): SQL[] {
  const id = eventId(event);
  const { job, database } = subjectOf(event);
  return [
    sql`insert into alert_events (event, kind, job_id, database, facts, at)
        select ${id}, ${event.kind}, ${job}, ${database}, ${JSON.stringify(event)}, ${now} where ${where}
        on conflict (event) do nothing`,
    fillOutbox(sql`e.event = ${id} and ${where}`),
  ];
}

/** Raises an event that is true by itself: what time has brought about, and no statement. */
export async function tell(catalog: Catalog, event: AlertEvent, now: number): Promise<void> {
  await transaction(catalog, raiseEvent(event, { now }));
}

/**
 * The statement that writes the outbox rows of events `e`. A channel gets an event that happened while its settings were
 * as they are; what happened before it was added, enabled or changed is not sent to it later. A ping keeps watch over the
 * nightly run: a manual job must not pass for one. A channel is never told of its own dead letters, nor twice of the same
 * failure: a database whose export is a dead letter is named when its job closes.
 */
export function fillOutbox(where: SQL): SQL {
  return sql`insert into alert_outbox (event, channel, kind, job_id, database, created_at)
      select e.event, c.id, e.kind, e.job_id, e.database, e.at
      from alert_events e join alert_config c
      where ${where} and c.enabled = 1 and c.updated_at <= e.at
        and exists (select 1 from json_each(c.events) wanted where wanted.value = e.kind)
        and (c.kind <> 'ping' or e.job_id like 'nightly-%')
        and c.id is not (e.facts ->> 'failedChannel')
        and not (e.kind = 'dead-letter' and e.facts ->> 'queue' = ${QUEUES.exports}
          and exists (select 1 from json_each(c.events) wanted where wanted.value = 'job-failed')
          and exists (select 1 from backup_jobs j where j.id = e.job_id and j.status = 'running'))
      on conflict (event, channel) do nothing`;
}

/** What happened last, newest first. */
export async function recentEvents(catalog: Catalog, limit: number): Promise<RaisedEvent[]> {
  return await catalog.select().from(alertEvents).orderBy(desc(alertEvents.at), alertEvents.event).limit(limit);
}
