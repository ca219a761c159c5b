import fc from "fast-check";
import { expect, test } from "vitest";
import { discordMessage } from "./discord.ts";
import type { Report } from "./report.ts";
import { EVERY_EVENT, failed, good, reportOf } from "./testing.ts";

function embedOf(report: Report) {
  const [embed, ...others] = discordMessage(report).embeds ?? [];
  expect(others).toEqual([]);
  if (embed === undefined) throw new Error("There is no embed");
  return embed;
}

test("discordMessage() of a failure names the database, the reason, the last good backup with its age and what to do", () => {
  const embed = embedOf(reportOf([good("groveauth"), failed("scout-db")]));
  expect(embed.title).toBe("Nightly backup failed for 1 of 2 databases");
  expect(embed.color).toBe(0xd23b3b);
  expect(embed.fields?.map((field) => field.name)).toEqual(["❌ scout-db", "✅ groveauth"]);
  expect(embed.fields?.[0]?.value).toBe(
    "Cannot read database: no such table: x\nsource\\_failed, 3 attempts\n" +
      "**Last good backup:** 2026-11-19 03:00 UTC, 1 d old \\(daily/2026-11-19/scout-db.sql.gz\\)\n" +
      "**Next:** Run the named statement against the database.",
  );
  expect(embed.fields?.[1]?.value).toBe("1,562 rows · 61.0 KB · 210 ms · snapshot");
  expect(embed.footer?.text).toContain("production · job-failed:nightly-2026-11-20");
});

test("discordMessage() is green when all went well, and links to the job", () => {
  const embed = embedOf(reportOf([good("groveauth")], { home: "https://patina.example" }));
  expect(embed.color).toBe(0x2ea043);
  expect(embed.url).toBe("https://patina.example/dashboard/jobs/nightly-2026-11-20");
});

test("discordMessage() says since when a database has been failing", () => {
  const failing = { ...failed("a"), failures: 3, failingSince: Date.parse("2026-11-18T03:00:09Z") };
  expect(embedOf(reportOf([failing])).fields?.[0]?.value).toContain(
    "**Failing:** 3 failed runs since 2026-11-18 03:00 UTC",
  );
});

test("discordMessage() says when a database has no backup at all", () => {
  const never = { ...failed("new-db"), lastGood: null };
  expect(embedOf(reportOf([never])).fields?.[0]?.value).toContain("**Last good backup:** there is none yet");
});

test("discordMessage() lets no text mention anybody or format", () => {
  const message = discordMessage(reportOf([failed("a", "@everyone **bold** [link](http://x) `code`")]));
  expect(message.allowed_mentions).toEqual({ parse: [] });
  expect(message.embeds?.[0]?.fields?.[0]?.value).toContain(
    "\\@everyone \\*\\*bold\\*\\* \\[link\\]\\(http://x\\) \\`code\\`",
  );
});

test("discordMessage() of any number of databases stays within Discord's limits and counts what it leaves out", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 2_000 });
  const databases = fc.array(
    fc
      .tuple(fc.boolean(), text)
      .map(([ok, message]) => (ok ? good("ok", { warnings: [message] }) : failed("bad", message))),
    { minLength: 1, maxLength: 1_000 },
  );
  const home = fc.constantFrom(null, "https://patina.example", `https://${"a".repeat(60)}.example/${"b".repeat(300)}`);
  fc.assert(
    fc.property(databases, home, text, fc.constantFrom(...EVERY_EVENT), (all, where, environment, event) => {
      const embed = embedOf(reportOf(all, { home: where, environment, event }));
      const fields = embed.fields ?? [];
      expect(fields.length).toBeLessThanOrEqual(25);
      const { title = "", description = "", footer } = embed;
      expect(title.length).toBeLessThanOrEqual(256);
      expect(footer?.text.length).toBeLessThanOrEqual(2_048);
      const texts = [title, description, footer?.text ?? "", ...fields.flatMap(({ name, value }) => [name, value])];
      expect(texts.join("").length).toBeLessThanOrEqual(6_000);
      expect(texts.every((one) => one.length > 0 && one.isWellFormed())).toBe(true);
      for (const field of fields) expect(field.value.length).toBeLessThanOrEqual(1_024);
      const more = /^and (\d+) more$/.exec(fields.at(-1)?.name ?? "");
      const shown = more === null ? fields.length : fields.length - 1 + Number(more[1]);
      expect(shown).toBe(all.length);
    }),
    { numRuns: 300 },
  );
});

test("discordMessage() of 1,000 databases shows the failed ones and links to the rest", () => {
  const all = [...Array.from({ length: 997 }, (_, i) => good(`db-${i}`)), failed("x"), failed("y"), failed("z")];
  const { fields = [] } = embedOf(reportOf(all, { home: "https://patina.example" }));
  expect(fields.slice(0, 3).map(({ name }) => name)).toEqual(["❌ x", "❌ y", "❌ z"]);
  expect(fields.at(-1)?.name).toMatch(/^and 9\d\d more$/);
  expect(fields.at(-1)?.value).toContain(
    "0 of them failed. [All of them](https://patina.example/dashboard/jobs/nightly-2026-11-20)",
  );
});
