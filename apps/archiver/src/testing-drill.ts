import { env, runInDurableObject } from "cloudflare:test";
import { gunzipSync } from "node:zlib";
import type { Catalog } from "@patina/catalog/catalog";
import { type DrillRow, findDrill, openDrills } from "@patina/catalog/drills";
import type { Check } from "@patina/core/drill";
import { StatementSplitter } from "@patina/dump/statements";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase, faultyNamespace } from "@patina/testkit/faults";
import { deliver, RecordedQueue } from "@patina/testkit/queue";
import { Budget } from "./budget.ts";
import { checkObject } from "./drill-object.ts";
import { restoreAndProve } from "./drill-restore.ts";
import worker from "./index.ts";
import type { Part, Progress, ScratchDatabase } from "./scratch-state.ts";
import type { Dumped } from "./testing-dump.ts";

/** For tests inside workerd: an archiver whose bindings fail as planned. */
export function archiver(plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const upkeep = new RecordedQueue();
  const dead = new RecordedQueue();
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: faultyBinding(env.BUCKET, faults),
    SCRATCH: faultyNamespace(env.SCRATCH, faults),
    UPKEEP: faultyBinding(upkeep, faults),
    UPKEEP_DEAD: faultyBinding(dead, faults),
    RESULTS: new RecordedQueue(),
    ENVIRONMENT: "local",
  } as unknown as Env;
  return { faults, upkeep, dead, bindings, handle: (batch: MessageBatch) => worker.queue(batch, bindings) };
}

let opened = 0;

/** Opens a drill under a name that no test has used. */
export async function openDrill(catalog: Catalog, database: string, date: string | null): Promise<string> {
  opened += 1;
  const id = `drill-${opened.toString(16).padStart(4, "0")}`;
  await openDrills(catalog, { wanted: [{ id, database, date, jobId: null, cause: "asked" }], now: Date.now() });
  return id;
}

export function messageOf(drill: string) {
  return { kind: "drill", version: 1, drill, database: "shop", date: null, snoozes: 0 };
}

/**
 * Delivers a drill's message as production does, until acknowledged or dead; leases of attempts that stopped run out in
 * between.
 *
 * @returns the dead letters
 */
export async function runDrill(drill: string, { handle, upkeep, dead } = archiver()): Promise<unknown[]> {
  for (
    let waiting: unknown[] = [messageOf(drill)];
    waiting.length > 0;
    waiting = upkeep.sent.splice(0).map(({ body }) => body)
  ) {
    const options = { queue: QUEUES.upkeep, batchSize: 1, maxAttempts: 5 };
    const handled = async (batch: MessageBatch) => {
      await env.CATALOG.prepare("update leases set expires_at = 0").run();
      await handle(batch);
    };
    await deliver(waiting, { ...options, handle: handled });
  }
  return dead.bodies;
}

/** Drills a backup; how that ended. */
export async function drilledRow(catalog: Catalog, database: string, date: string | null): Promise<DrillRow> {
  const id = await openDrill(catalog, database, date);
  const dead = await runDrill(id);
  const row = await findDrill(catalog, id);
  if (row === undefined || dead.length > 0) throw new Error(`The drill did not end: ${JSON.stringify(dead)}`);
  return row;
}

/** What is left in a drill's scratch database. */
export async function leftIn(drill: string) {
  return await runInDurableObject(env.SCRATCH.getByName(drill), async (_, { storage }) => ({
    tables: storage.sql.exec("SELECT name FROM sqlite_schema WHERE substr(name, 1, 4) <> '_cf_'").toArray(),
    keys: [...storage.kv.list()].length,
    alarm: await storage.getAlarm(),
  }));
}

export const NOTHING_LEFT = { tables: [], keys: 0, alarm: null };

/** A scratch database under a name of its own. */
export function newScratch(): ScratchDatabase {
  return env.SCRATCH.getByName(`drill-${crypto.randomUUID()}`) as unknown as ScratchDatabase;
}

/** What a drill of a backup of "shop" looks at, without a catalog and a bucket. */
export async function checksOf({ bytes, manifest }: Dumped, scratch: ScratchDatabase): Promise<readonly Check[]> {
  const stored = { read: async (at: number, length: number) => bytes.subarray(at, at + length) };
  const budget = new Budget(() => 0);
  const restored = await restoreAndProve({
    manifest,
    stored,
    check: () => checkObject(manifest, { database: "shop", stored, budget }),
    subject: crypto.randomUUID(),
    scratch: () => scratch,
    budget,
    clock: () => 0,
    restoreMs: 0,
    note: async () => undefined,
  });
  return restored?.checks ?? [];
}

/** A dump cut into about so many parts, each of which ends where a statement ends. */
export function partsOf({ bytes, manifest }: Dumped, count: number): Part[] {
  const sql = gunzipSync(bytes);
  const text = sql.toString();
  const splitter = new StatementSplitter();
  const statements = [...splitter.push(text), ...splitter.end()];
  const bounds = [0];
  let at = 0;
  for (const [i, statement] of statements.entries()) {
    // Behind its semicolon and line feed, where it has them.
    at = Math.min(text.length, text.indexOf(statement, at) + statement.length + 2);
    if (i % Math.ceil(statements.length / count) === 0) bounds.push(Buffer.byteLength(text.slice(0, at)));
  }
  const ends = [...bounds.slice(1), sql.length];
  return ends.map((end, i) => {
    const start = bounds[i] ?? 0;
    const tables = manifest.tables.filter((table) => table.start < end && start < table.end);
    return { text: sql.subarray(start, end).toString(), start, end, tables };
  });
}

/** Restores parts into a scratch database and compares, as far as it comes. */
export async function proveParts(
  scratch: ScratchDatabase,
  {
    parts,
    dumped,
    definitions,
    isWhole,
  }: { parts: readonly Part[]; dumped: Dumped; definitions: string; isWhole: boolean },
): Promise<Progress> {
  let progress = await scratch.begin({ subject: crypto.randomUUID(), isWhole });
  for (const part of parts) progress = (await scratch.load(part)) ?? progress;
  const { tables, schema } = dumped.manifest;
  while (progress.refusal === null && progress.next !== null) {
    progress = (await scratch.prove({ tables, schema, definitions, isFuzzy: false })) ?? progress;
  }
  return progress;
}
