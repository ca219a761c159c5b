import type { DatabaseDrill } from "@patina/catalog/drill-list";
import type { Check, Verdict } from "@patina/core/drill";
import { provenOf } from "@patina/core/proven";
import { Glyph, type Sign, StateChip, type Tone } from "./glyph.tsx";
import { Moment } from "./moment.tsx";

/** What each check of a drill looks at, in words. */
export const CHECK_WORDS: Record<Check["name"], string> = {
  object: "The stored object is what its manifest says",
  restore: "Its statements run",
  quick_check: "SQLite finds the restored database sound",
  integrity_check: "SQLite finds every page, index and constraint sound",
  foreign_keys: "No row refers to one that is not there",
  rows: "Every table has the rows that were backed up",
  digests: "Every row is what was backed up, byte for byte",
  definitions: "Tables, indexes, triggers and views are what was backed up",
  fingerprints: "What SQLite counts of the columns is what it counted in the source",
  fts: "Full-text indexes fit their tables",
};

/** What a verdict says of the backup. */
export const VERDICT_WORDS: Record<Verdict, string> = {
  passed: "restored as it was in the source",
  flawed: "all of it is there, and breaks constraints that its source breaks too",
  unprovable: "a limit of the platform kept it from being restored; that says nothing against the backup",
  failed: "not what was backed up, or nothing that can be restored",
};

/** A database's last drill, for the fleet's table. */
export function LastDrill({ drill, now }: { drill: DatabaseDrill | null; now: number }) {
  if (drill === null) return <span class="soft nowrap">never drilled</span>;
  return (
    <a class="drilled" href={`/dashboard/drills/${drill.id}`} title={drill.reason ?? VERDICT_WORDS[drill.verdict]}>
      <StateChip state={provenWord(drill.verdict)} />{" "}
      <small>
        <Moment at={drill.at} now={now} />
      </small>
    </a>
  );
}

/** What a drill has made of a database's backups, in one word. */
function provenWord(verdict: Verdict): string {
  return verdict === "passed" || verdict === "flawed" ? "proven" : verdict;
}

const TONES: Record<ReturnType<typeof provenOf>["tone"], { sign: Sign; tone: Tone }> = {
  good: { sign: "check", tone: "good" },
  attention: { sign: "cross", tone: "bad" },
  unknown: { sign: "ring", tone: "none" },
};

/** What the drills say of a database, as a sentence. */
export function ProvenLine({ drill, now }: { drill: DatabaseDrill | null; now: number }) {
  const { tone, phrase } = provenOf(drill, now);
  const sentence = `${phrase[0]?.toUpperCase() ?? ""}${phrase.slice(1)}.`;
  return (
    <p class="wrap">
      <Glyph {...TONES[tone]} />{" "}
      {drill === null ? (
        `${sentence} Its first drill is made by itself, or ask for one below.`
      ) : (
        <a href={`/dashboard/drills/${drill.id}`}>{sentence}</a>
      )}
    </p>
  );
}
