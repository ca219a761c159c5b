import fc from "fast-check";
import { expect, test } from "vitest";
import type { Report } from "./report.ts";
import { type Block, slackMessage } from "./slack.ts";
import { EVERY_EVENT, failed, good, reportOf } from "./testing.ts";

function blocksOf(report: Report): readonly Block[] {
  return slackMessage(report).attachments[0].blocks;
}

function textsOf(blocks: readonly Block[]) {
  return blocks.flatMap((block) => (block.type === "context" ? block.elements : [block.text]));
}

test("slackMessage() of a failure has what happened, the failed database first, and a link", () => {
  const message = slackMessage(
    reportOf([good("groveauth"), failed("scout-db")], { home: "https://patina.example/?a=1&b" }),
  );
  expect(message.text).toBe("Nightly backup failed for 1 of 2 databases (production)");
  expect(message.attachments[0].color).toBe("#d23b3b");
  expect(textsOf(message.attachments[0].blocks).map(({ text }) => text)).toEqual([
    "Nightly backup failed for 1 of 2 databases",
    "Job nightly-2026-11-20: 1 succeeded, 1 failed in 9.0 s; 5,901 rows, 866 KB as 190 KB stored.",
    "❌ scout-db\nCannot read database: no such table: x\nsource_failed, 3 attempts\n" +
      "Last good backup: 2026-11-19 03:00 UTC, 1 d old (daily/2026-11-19/scout-db.sql.gz)\n" +
      "Next: Run the named statement against the database.",
    "✅ groveauth\n1,562 rows · 61.0 KB · 210 ms · snapshot",
    "<https://patina.example/?a=1&amp;b/dashboard/jobs/nightly-2026-11-20|Open in Patina>",
    "Patina · production · 2026-11-20 03:00 UTC · job-failed:nightly-2026-11-20\n" +
      "Arrives twice only if sending was interrupted.",
  ]);
});

test("slackMessage() lets no text from outside mention, link or format", () => {
  const message = slackMessage(reportOf([failed("a", "<!channel> *x* <http://x|y>")], { environment: "<!here>" }));
  expect(message.text).toContain("&lt;!here&gt;");
  for (const { type, text } of textsOf(message.attachments[0].blocks)) {
    if (text.includes("!channel") || text.includes("!here")) expect(type).toBe("plain_text");
  }
});

test("slackMessage() of any number of databases stays within Slack's limits and counts what it leaves out", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 4_000 });
  const databases = fc.array(
    fc
      .tuple(fc.boolean(), text)
      .map(([ok, message]) => (ok ? good("ok", { warnings: [message] }) : failed("bad", message))),
    { minLength: 1, maxLength: 300 },
  );
  fc.assert(
    fc.property(databases, text, fc.constantFrom(...EVERY_EVENT), (all, environment, event) => {
      const blocks = blocksOf(reportOf(all, { home: "https://patina.example", environment, event }));
      expect(blocks.length).toBeLessThanOrEqual(50);
      expect(JSON.stringify(blocks).length).toBeLessThanOrEqual(13_000);
      for (const block of blocks) {
        for (const one of textsOf([block])) {
          expect(one.text.length).toBeLessThanOrEqual(block.type === "header" ? 150 : 3_000);
          expect(one.text.length).toBeGreaterThan(0);
          expect(one.text.isWellFormed()).toBe(true);
        }
      }
      const databaseBlocks = blocks.slice(2, -2);
      const more = /^and (\d+) more,/.exec(textsOf(databaseBlocks).at(-1)?.text ?? "");
      expect(more === null ? databaseBlocks.length : databaseBlocks.length - 1 + Number(more[1])).toBe(all.length);
    }),
    { numRuns: 200 },
  );
});
