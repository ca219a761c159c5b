// Measures the dashboard's pages over 1,000 databases and 84 nights, written through settleTasks():
//   node tests/measure/dashboard.ts [databases] [nights]
// Prints a table in Markdown, for docs/dashboard.md. Takes some minutes: 84,000 results are settled.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { PROJECT } from "@patina/cli/local/workers";
import { DAY, dateOf } from "@patina/core/date";
import { CRONS, previousRun } from "@patina/core/schedule";
import { datesOf, weekOf } from "@patina/core/week";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { bundleWorker } from "../system/harness.ts";

const [databases = 1_000, nights = 84] = process.argv.slice(2).map(Number);
const NOW = Date.parse("2026-11-20T12:00:00Z");
const TOKEN = "measure-0123456789-0123456789-0123456789";

const folder = mkdtempSync(join(tmpdir(), "patina-measure-"));
const script = bundleWorker(folder, { name: "measure", main: join(PROJECT, "tests", "measure", "worker.ts") });
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    name: "measure",
    rootPath: PROJECT,
    modules: [{ type: "ESModule", path: "measure.js", contents: readFileSync(script, "utf8") }],
    compatibilityDate: "2026-11-17",
    d1Databases: { CATALOG: "catalog" },
    bindings: { ADMIN_TOKEN: TOKEN, NOW },
    cf: false,
  }),
);
try {
  await migrate(await miniflare.getD1Database("CATALOG"));
  const last = previousRun(CRONS.nightly, NOW);
  await ask(`/seed/registry?databases=${databases}&at=${last - nights * DAY}`);
  for (let back = nights - 1; back >= 0; back -= 1) {
    await ask(`/seed/night?databases=${databases}&at=${last - back * DAY}`);
    process.stderr.write(`\r${nights - back} of ${nights} nights`);
  }
  // The archives of the whole weeks among them; each of the last nights is still there as an object of its own too.
  for (let at = last - nights * DAY; at <= last; at += 7 * DAY) {
    const [monday = "", , , , , , sunday = ""] = datesOf(weekOf(dateOf(at)));
    const isWhole = monday >= dateOf(last - (nights - 1) * DAY) && sunday < dateOf(last);
    if (isWhole) await ask(`/seed/archive?databases=${databases}&at=${Date.parse(`${sunday}T04:00:00Z`)}`);
  }
  await ask(`/seed/custody?databases=${databases}&at=${NOW}`);
  process.stderr.write("\n");
  await measure([
    ["fleet", "/dashboard"],
    ["fleet, last page", `/dashboard?page=${Math.ceil(databases / 50)}`],
    ["fleet, filtered", "/dashboard?show=failing&sort=size"],
    ["database", "/dashboard/databases/db-7"],
    ["jobs", "/dashboard/jobs"],
    ["job", `/dashboard/jobs/nightly-${dateOf(last)}`],
    ["archives", "/dashboard/archives"],
    ["archive", `/dashboard/archives/${weekOf(dateOf(last - 14 * DAY))}`],
    ["retention", "/dashboard/retention"],
    ["next prune", "/dashboard/retention/preview"],
    ["prune", "/dashboard/prunes/prune-seed"],
    ["drills", "/dashboard/drills"],
    ["drill", "/dashboard/drills/drill-7"],
    ["verification", `/dashboard/verify/verify-${dateOf(NOW)}`],
    ["dead letters", "/dashboard/dead-letters"],
  ]);
} finally {
  await miniflare.dispose();
  rmSync(folder, { recursive: true, force: true });
}

async function migrate(catalog: Awaited<ReturnType<typeof miniflare.getD1Database>>): Promise<void> {
  const migrations = join(PROJECT, "packages", "catalog", "migrations");
  await catalog.exec("CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT)");
  for (const name of readdirSync(migrations).filter((file) => file.endsWith(".sql"))) {
    const statements = readFileSync(join(migrations, name), "utf8").split("--> statement-breakpoint");
    await catalog.batch(statements.map((statement) => catalog.prepare(statement)));
    await catalog.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name).run();
  }
}

async function measure(pages: [name: string, path: string][]): Promise<void> {
  const count = (value: number) => value.toLocaleString("en-US");
  process.stdout.write("| Page | Queries | Rows read | Bytes | gzip |\n| --- | --- | --- | --- | --- |\n");
  for (const [name, path] of pages) {
    const answer = await ask(path);
    const html = Buffer.from(await answer.arrayBuffer());
    const cells = [
      name,
      answer.headers.get("x-queries"),
      count(Number(answer.headers.get("x-rows-read"))),
      count(html.length),
      count(gzipSync(html).length),
    ];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
}

async function ask(path: string) {
  const headers = { authorization: `Bearer ${TOKEN}`, accept: "text/html" };
  const answer = await miniflare.dispatchFetch(`http://measure${path}`, { headers });
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
  return answer;
}
