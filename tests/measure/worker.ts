import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { ticks } from "@patina/catalog/schema";
import { seedArchive, seedDrill, seedPrune, seedVerification } from "@patina/catalog/testing-custody";
import { seedNight, seedRegistry } from "@patina/catalog/testing-history";
import { noteTick } from "@patina/catalog/ticks";
import { DAY, dateOf } from "@patina/core/date";
import { weekOf } from "@patina/core/week";
import { createFront } from "@patina/dispatcher/front";
import { type Cost, countedDatabase } from "@patina/testkit/counted";
import type { Channels } from "@patina/worker/channels";
import { createLog } from "@patina/worker/log";
import type { Preflights } from "@patina/worker/preflights";
import type { Vault } from "@patina/worker/vault";

/** The dispatcher's front door over a catalog that can be filled and that counts what is asked of it. */

interface Env {
  readonly CATALOG: D1Database;
  readonly ADMIN_TOKEN: string;
  readonly NOW: number;
}

const front = createFront();

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname.startsWith("/seed/")) return await seed(url, env);
    const cost: Cost = { queries: 0, rowsRead: 0 };
    const answer = await front.fetch(request, bindings(env, cost));
    const headers = new Headers(answer.headers);
    headers.set("x-queries", String(cost.queries));
    headers.set("x-rows-read", String(cost.rowsRead));
    return new Response(answer.body, { status: answer.status, headers });
  },
} satisfies ExportedHandler<Env>;

/**
 * Registers the fleet, or writes one night of it, one week's archive, or all else that happens to stored backups. One
 * database in 50 fails now and then, every night one in 200.
 */
async function seed(url: URL, env: Env): Promise<Response> {
  const catalog = await openCatalog(env.CATALOG);
  const names = Array.from({ length: Number(url.searchParams.get("databases")) }, (_, i) => `db-${i}`);
  const at = Number(url.searchParams.get("at"));
  if (url.pathname === "/seed/registry") await seedRegistry(catalog, { names, since: at });
  else if (url.pathname === "/seed/archive") await seedArchive(catalog, { week: weekOf(dateOf(at)), names, now: at });
  else if (url.pathname === "/seed/custody") await seedCustody(catalog, { names, now: at });
  else await seedNight(catalog, { names, scheduledFor: at, of: (name) => nightOf(Number(name.slice(3)), at) });
  return new Response("ok");
}

/** The tick has run for long; everybody was drilled, the dailies were verified, and a prune has just ended. */
async function seedCustody(catalog: Catalog, { names, now }: { names: readonly string[]; now: number }): Promise<void> {
  await noteTick(catalog, now - 30 * DAY);
  await catalog.update(ticks).set({ last: now });
  const date = dateOf(now);
  for (const [i, database] of names.entries()) {
    const verdict = i % 200 === 0 ? "failed" : "passed";
    await seedDrill(catalog, { id: `drill-${i}`, database, date, verdict, now: now - i * 60_000 });
  }
  const progress = { total: names.length, checked: names.length, bytes: 1e9 };
  await seedVerification(catalog, { id: `verify-${date}`, progress, now, isDone: true });
  const step = { action: "remove", etag: "etag", reason: "a daily older than 7 days", size: 1_000 } as const;
  const steps = names.map((database) => {
    return { ...step, key: `daily/gone/${database}.sql.gz`, database, state: "planned", note: null } as const;
  });
  await seedPrune(catalog, { id: "prune-seed", jobId: null, steps, kept: names.length, now });
}

function nightOf(database: number, at: number) {
  const night = Math.floor(at / 86_400_000);
  const isBad = (database * 7 + night) % 200 === 0 || (database % 50 === 0 && night % 9 === 0);
  if (isBad) return { end: "failed", error: "Cannot reach the database: no answer within 30 s" } as const;
  const bytes = Math.round(20_000 * 1.4 ** (database % 20) * (1 + ((night * 31 + database) % 17) / 100));
  return { end: "good", bytes, ms: 100 + (bytes % 900) } as const;
}

function bindings(env: Env, cost: Cost): Parameters<typeof front.fetch>[1] {
  const log = createLog("measure");
  const queue = null as unknown as Queue;
  const clock = () => env.NOW;
  return {
    auth: { adminToken: env.ADMIN_TOKEN, readToken: undefined, accessAudience: undefined },
    access: undefined,
    attempts: { limit: async () => ({ success: true }) },
    // No page that is measured needs to find what it opens.
    vault: {
      open: async () => ({ end: "absent" }),
      findBackup: async () => ({ end: "absent" }),
    } as unknown as Vault,
    channels: null as unknown as Channels,
    preflights: null as unknown as Preflights,
    clock,
    log,
    environment: "local",
    open: async () => ({
      catalog: await openCatalog(countedDatabase(env.CATALOG, cost)),
      exports: queue,
      results: queue,
      alerts: queue,
      upkeep: queue,
      clock,
      holder: "measure",
      log,
    }),
  } as Parameters<typeof front.fetch>[1];
}
