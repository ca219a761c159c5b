import { CHANNEL_KINDS } from "@patina/alerts/channel";
import type { AlertEvent, EventKind } from "@patina/alerts/event";
import { customType, index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** The catalog's tables of alerts: channels, thresholds, events and the outbox. Part of schema.ts. */

/** Bytes as they are: drizzle's own blob needs Node's Buffer, which a Worker does not have. */
const bytes = customType<{ data: Uint8Array; driverData: ArrayBuffer | number[] }>({
  dataType: () => "blob",
  fromDriver: (value) => new Uint8Array(value),
});

/** Channels that alerts go to. */
export const alertConfig = sqliteTable("alert_config", {
  id: text().primaryKey(),
  kind: text({ enum: CHANNEL_KINDS }).notNull(),
  enabled: integer({ mode: "boolean" }).notNull().default(true),
  /** Which events the channel gets, as a JSON array. */
  events: text({ mode: "json" }).$type<EventKind[]>().notNull(),
  /** The aggregator's secret that holds the URL, such as `DISCORD_WEBHOOK_URL`. */
  secret: text(),
  /** URL and signing key encrypted with the aggregator's ALERT_KEY (AES-GCM), for channels that are not a secret. */
  urlCiphertext: bytes("url_ciphertext"),
  /** The host of the URL, the one part of it that is shown. */
  host: text(),
  createdAt: integer("created_at").notNull(),
  /** When its settings were last changed: it gets no event that is older. */
  updatedAt: integer("updated_at").notNull().default(0),
});

/** What counts as slow or deviating: at most one row; without it the defaults of packages/alerts. */
export const alertThresholds = sqliteTable("alert_thresholds", {
  id: integer().primaryKey(),
  slowMinutes: integer("slow_minutes").notNull(),
  deviationPercent: integer("deviation_percent").notNull(),
  summaryHour: integer("summary_hour").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** What happened that people are told of, whether or not there is a channel for it. */
export const alertEvents = sqliteTable(
  "alert_events",
  {
    /** See eventId() of packages/alerts: the same event found twice is one row. */
    event: text().primaryKey(),
    kind: text().$type<AlertEvent["kind"]>().notNull(),
    jobId: text("job_id"),
    database: text(),
    /** The event as packages/alerts types it. */
    facts: text({ mode: "json" }).$type<AlertEvent>().notNull(),
    at: integer().notNull(),
  },
  (table) => [index("alert_events_at").on(table.at), index("alert_events_job").on(table.jobId)],
);

/** Alerts to be sent, one row per event and channel, written in the transaction that makes the event true. */
export const alertOutbox = sqliteTable(
  "alert_outbox",
  {
    event: text().notNull(),
    channel: text()
      .notNull()
      .references(() => alertConfig.id, { onDelete: "cascade" }),
    kind: text().notNull(),
    jobId: text("job_id"),
    database: text(),
    state: text({ enum: ["pending", "sending", "sent", "given_up"] })
      .notNull()
      .default("pending"),
    attempts: integer().notNull().default(0),
    leaseExpiresAt: integer("lease_expires_at"),
    /** The tick leaves the row alone until then. */
    nextAttemptAt: integer("next_attempt_at"),
    createdAt: integer("created_at").notNull(),
    sentAt: integer("sent_at"),
    /** The first error of its attempts; `error` is the last. */
    firstError: text("first_error"),
    error: text(),
  },
  (table) => [
    uniqueIndex("alert_outbox_event_channel").on(table.event, table.channel),
    index("alert_outbox_state").on(table.state, table.nextAttemptAt),
  ],
);
