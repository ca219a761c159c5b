import fc from "fast-check";
import { expect, test } from "vitest";
import { discordMessage } from "./discord.ts";
import type { DatabaseReport, JobReport } from "./report.ts";

function database(name: string, change: Partial<DatabaseReport> = {}): DatabaseReport {
  return {
    name,
    state: "succeeded",
    consistency: "snapshot",
    rows: 1_562,
    rawBytes: 290_000,
    storedBytes: 61_000,
    durationMs: 210,
    key: `daily/2026-11-20/${name}.sql.gz`,
    warnings: [],
    attempts: 1,
    error: null,
    lastGood: null,
    ...change,
  };
}

function failed(name: string, message = "Cannot read database: no such table: x"): DatabaseReport {
  return database(name, {
    state: "failed",
    attempts: 3,
    error: { code: "source_failed", message, next: "Run the named statement against the database." },
    lastGood: {
      job: "nightly-2026-11-19",
      key: `daily/2026-11-19/${name}.sql.gz`,
      at: Date.parse("2026-11-19T03:00:04Z"),
    },
  });
}

function report(databases: readonly DatabaseReport[]): JobReport {
  const wrong = databases.filter(({ state }) => state === "failed").length;
  return {
    event: "job-failed:nightly-2026-11-20",
    kind: wrong > 0 ? "job-failed" : "job-completed",
    environment: "production",
    job: {
      id: "nightly-2026-11-20",
      kind: "nightly",
      status: wrong > 0 ? "failed" : "completed",
      date: "2026-11-20",
      startedAt: Date.parse("2026-11-20T03:00:00Z"),
      finishedAt: Date.parse("2026-11-20T03:00:09Z"),
      databases: databases.length,
      succeeded: databases.length - wrong,
      failed: wrong,
      rows: 5_901,
      rawBytes: 866_000,
      storedBytes: 190_000,
    },
    databases,
    now: Date.parse("2026-11-20T03:00:10Z"),
  };
}

test("discordMessage() of a failure names the database, the reason, the last good backup and what to do", () => {
  const { embeds } = discordMessage(report([database("groveauth"), failed("scout-db")]));
  const [embed] = embeds ?? [];
  expect(embed?.title).toBe("Nightly backup failed for 1 of 2 databases");
  expect(embed?.color).toBe(0xd23b3b);
  expect(embed?.fields?.map((field) => field.name)).toEqual(["❌ scout-db", "✅ groveauth"]);
  expect(embed?.fields?.[0]?.value).toBe(
    "Cannot read database: no such table: x\n`source_failed`, 3 attempts\n" +
      "Last good backup: 2026-11-19T03:00:04.000Z (`daily/2026-11-19/scout-db.sql.gz`)\n" +
      "**Next:** Run the named statement against the database.",
  );
  expect(embed?.fields?.[1]?.value).toBe("1,562 rows · 61.0 KB · 210 ms · snapshot");
});

test("discordMessage() says when a database has no backup at all", () => {
  const never = { ...failed("new-db"), lastGood: null };
  expect(discordMessage(report([never])).embeds?.[0]?.fields?.[0]?.value).toContain(
    "There is no backup of this database yet",
  );
});

test("discordMessage() lets no text mention anybody or format", () => {
  const message = discordMessage(report([failed("a", "@everyone **bold** [link](http://x) `code`")]));
  expect(message.allowed_mentions).toEqual({ parse: [] });
  expect(message.embeds?.[0]?.fields?.[0]?.value).toContain(
    "\\@everyone \\*\\*bold\\*\\* \\[link\\]\\(http://x\\) \\`code\\`",
  );
});

test("discordMessage() of any number of databases stays within Discord's limits and counts what it leaves out", () => {
  const databases = fc.array(
    fc
      .tuple(fc.boolean(), fc.string({ maxLength: 2_000 }))
      .map(([ok, text]) => (ok ? database("ok") : failed("bad", text))),
    { minLength: 1, maxLength: 1_000 },
  );
  fc.assert(
    fc.property(databases, (all) => {
      const [embed] = discordMessage(report(all)).embeds ?? [];
      const fields = embed?.fields ?? [];
      expect(fields.length).toBeLessThanOrEqual(25);
      const text = [embed?.title, embed?.description, embed?.footer?.text, ...fields.flatMap((f) => [f.name, f.value])];
      expect(text.join("").length).toBeLessThanOrEqual(6_000);
      for (const field of fields) expect(field.value.length).toBeLessThanOrEqual(1_024);
      const more = /^and (\d+) more$/.exec(fields.at(-1)?.name ?? "");
      const shown = more === null ? fields.length : fields.length - 1 + Number(more[1]);
      expect(shown).toBe(all.length);
    }),
    { numRuns: 200 },
  );
});
