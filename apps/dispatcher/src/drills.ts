import { createHash } from "node:crypto";
import type { AuditEntry } from "@patina/catalog/audit";
import { withBackup } from "@patina/catalog/drill-backups";
import {
  busyDrills,
  type DrillBudget,
  drillable,
  drillBudget,
  idleDrills,
  isGivenUp,
  markDrillsSent,
  openDrillCount,
} from "@patina/catalog/drill-schedule";
import { type DrillRow, endDrill, openDrills } from "@patina/catalog/drills";
import { causeOf, chooseDrills, DRILLS_AT_ONCE } from "@patina/core/drill-schedule";
import { type Drill, encode } from "@patina/messages/message";
import type { DispatcherContext } from "./context.ts";

/** The tick's duty: opens the drills that are due, a few at a time, as far as the month's budget goes. */
export async function openDueDrills(context: DispatcherContext): Promise<void> {
  const { catalog, clock, holder, log } = context;
  const room = DRILLS_AT_ONCE - (await openDrillCount(catalog));
  if (room <= 0) return;
  const { due, budget } = await dueDrills(context);
  const { chosen, held } = chooseDrills(due, { room, rows: budget.rows - budget.used });
  const wanted = chosen.map(({ drill: { database, date, jobId }, cause }) => {
    return { id: drillId(holder, database), database, date, jobId, cause };
  });
  await openDrills(catalog, { wanted, now: clock() });
  if (held > 0) log.warn({ held, ...budget }, "Drills wait for the next month's budget");
}

/** The databases that are due for a drill, and what drills may still write. */
export async function dueDrills({ catalog, clock }: Pick<DispatcherContext, "catalog" | "clock">) {
  const budget: DrillBudget = await drillBudget(catalog, clock());
  const due = (await drillable(catalog)).flatMap((known) => {
    const cause = causeOf(known, clock());
    return cause === null ? [] : [{ drill: known, cause, priority: known.priority, rows: known.rows }];
  });
  return { due, budget };
}

/**
 * The tick's duty: sends the messages of drills that nobody has one for, those that were lost among them. As long as the
 * queue has a backlog a lost one may be waiting in it. One that was begun hours ago is given up.
 */
export async function sendDrills(context: DispatcherContext): Promise<void> {
  const { catalog, upkeep, clock, log } = context;
  const room = DRILLS_AT_ONCE - (await busyDrills(catalog, clock()));
  if (room <= 0) return;
  const idle = await idleDrills(catalog, { now: clock(), limit: room });
  for (const row of idle.filter((one) => isGivenUp(one, clock()))) await giveUp(row, context);
  const open = idle.filter((one) => !isGivenUp(one, clock()));
  const isLost = ({ updatedAt }: DrillRow) => updatedAt > 0;
  const hasBacklog = open.some(isLost) && (await upkeep.metrics()).backlogCount > 0;
  const sent = open.filter((row) => !(hasBacklog && isLost(row)));
  await sendNow(sent, context);
  const lost = sent.filter(isLost).map(({ id }) => id);
  if (lost.length > 0) log.warn({ drills: lost }, "Lost messages were sent again");
}

async function giveUp({ id, database, rowsWritten }: DrillRow, { catalog, clock, log }: DispatcherContext) {
  const nothing = { rows: null, bytes: null, restoreMs: null, schemaDigest: null, subject: null, copy: null };
  const reason = "It was begun three hours ago, and nobody can finish it";
  const ended = { id, database, verdict: "unprovable", reason, checks: [], rowsWritten, ...nothing } as const;
  await endDrill(catalog, ended, clock());
  log.error({ drill: id, database }, "Drill was given up");
}

/** Noted before it is sent: stopping in between costs a wait, the other way round a message too many. */
async function sendNow(rows: readonly DrillRow[], { catalog, upkeep, clock }: DispatcherContext): Promise<void> {
  if (rows.length === 0) return;
  await markDrillsSent(catalog, { ids: rows.map(({ id }) => id), now: clock() });
  await upkeep.sendBatch(rows.map((row) => ({ body: request(row) })));
}

function request({ id, database, date }: DrillRow): Drill {
  return encode({ kind: "drill", version: 1, drill: id, database, date, snoozes: 0 });
}

/** What somebody wants drilled: of these databases, the backup of a date or the newest. */
export interface AskedDrills {
  readonly names: readonly string[];
  readonly date: string | null;
  /** The same for the same request, and unlike any other's. */
  readonly entropy: string;
  readonly at: number;
  readonly audit: (opened: readonly string[]) => AuditEntry;
}

/** What became of it. */
export interface AnsweredDrills {
  readonly opened: readonly DrillRow[];
  readonly running: readonly DrillRow[];
  /** Names of databases that have no such backup. */
  readonly without: readonly string[];
}

/**
 * Opens the drills that somebody asks for. They are made whatever the budget says, and count towards it. A few begin at
 * once; the tick sends the rest, a few at a time.
 */
export async function askForDrills(asked: AskedDrills, context: DispatcherContext): Promise<AnsweredDrills> {
  const { catalog } = context;
  const { names, date, entropy, at, audit } = asked;
  const having = await withBackup(catalog, { names, date });
  const without = names.filter((name) => !having.includes(name));
  const wanted = having.map((database) => {
    return { id: drillId(entropy, database), database, date, jobId: null, cause: "asked" } as const;
  });
  const ids = wanted.map(({ id }) => id);
  const rows = await openDrills(catalog, { wanted, now: at, audit: audit(ids) });
  const opened = rows.filter(({ id }) => ids.includes(id));
  if (opened.length <= DRILLS_AT_ONCE) {
    await sendNow(
      opened.filter(({ updatedAt }) => updatedAt === 0),
      context,
    );
  }
  return { opened, running: rows.filter((row) => !opened.includes(row)), without };
}

function drillId(entropy: string, database: string): string {
  const hash = createHash("sha256").update(`${entropy} ${database}`).digest("hex");
  return `drill-${hash.slice(0, 32)}`;
}
