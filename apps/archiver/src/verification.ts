import { encodeReceipt, receiptKey, type VerifyReceipt } from "@patina/archive/receipt";
import { readCustody } from "@patina/catalog/custody-settings";
import { endVerifyRun, noteArchivePage, noteVerified, type Verified } from "@patina/catalog/verify-results";
import { findVerifyRun, type VerifyProgress, type VerifyRun } from "@patina/catalog/verify-runs";
import { countSubjects, nextSubjects, type Subject } from "@patina/catalog/verify-subjects";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { isOfBucket, secondTry } from "./second-try.ts";
import type { ArchiverContext } from "./upkeep.ts";
import { verifyArchive } from "./verify-archive.ts";
import { verifyBackup } from "./verify-backup.ts";

/** Backups of one piece of a run: what is noted at once, has one receipt, and is done again after a crash. */
const PIECE_BACKUPS = 50;

/**
 * Bytes of SQL that one invocation decompresses before it leaves the rest to the next: of some 160 MB a second on a slow
 * machine, within the five minutes of CPU time that it has. The largest D1 database makes about 20 GB.
 */
const INVOCATION_BYTES = 10_000_000_000;

/** Objects in a row that the bucket does not give before the bucket itself is taken to be at fault. */
const MAX_FAILURES = 3;

/** What a run names of what it found, and of what it postponed. */
const MAX_FINDINGS = 50;
const MAX_WAITING = 10;

/** One invocation's part of a run. */
export class Verification {
  /** As it is by now: what #pending found is not noted yet. */
  progress: VerifyProgress;
  /** As the catalog has it. */
  #run: VerifyRun;
  #pending: Verified[] = [];
  /** Subjects, and bytes of SQL, that this invocation has taken on. */
  #taken = 0;
  #work = 0;
  /** Objects that the bucket did not give, one after the other, and how far the run was before the first of them. */
  #failures = 0;
  #before: VerifyProgress;
  readonly #context: ArchiverContext;

  constructor(run: VerifyRun, context: ArchiverContext) {
    this.#run = run;
    this.progress = run;
    this.#before = run;
    this.#context = context;
  }

  /** @returns whether the run has ended */
  async work(): Promise<boolean> {
    const { catalog, budget } = this.#context;
    const limit = await this.#limit();
    this.progress = { ...this.progress, total: this.#run.total ?? (await countSubjects(catalog, this.#run)) };
    budget.spend({ queries: 4 });
    for (;;) {
      const subjects = await nextSubjects(catalog, { run: this.#run, limit: PIECE_BACKUPS });
      if (subjects.length === 0) {
        await this.#end({ postponed: 0, waiting: [] });
        return true;
      }
      for (const [i, subject] of subjects.entries()) {
        if (this.#isOver(subject, limit)) {
          await this.#flush();
          const waiting = subjects.slice(i, i + MAX_WAITING).map(({ key }) => key);
          await this.#end({ postponed: await countSubjects(catalog, this.#run), waiting });
          return true;
        }
        const isLate = budget.isSpent || this.#work >= INVOCATION_BYTES;
        // An archive is noted page by page, so that what was found before it has to be noted first.
        if (subject.is === "archive") await this.#flush();
        if ((isLate && this.#taken > 0) || !(await this.#take(subject))) {
          await this.#flush();
          return false;
        }
        this.#taken += 1;
      }
      await this.#flush();
    }
  }

  /** Bytes that the run may read. What a person asked for is read whatever it takes. */
  async #limit(): Promise<number> {
    if (this.#run.scope === "asked") return Number.POSITIVE_INFINITY;
    return (await readCustody(this.#context.catalog)).verifyBytes;
  }

  /** Whether there are no bytes left for a subject. One that is larger than all of them is verified when it comes first. */
  #isOver(subject: Subject, limit: number): boolean {
    const { bytes } = this.progress;
    return bytes > 0 && bytes + subject.bytes > limit && !this.#isBegun(subject);
  }

  #isBegun({ key }: Subject): boolean {
    const { after } = this.progress;
    return after !== null && after.page !== null && after.key === key;
  }

  /** @returns false when the invocation is over before the subject is done */
  async #take(subject: Subject): Promise<boolean> {
    try {
      const isDone = subject.is === "archive" ? await this.#takeArchive(subject) : await this.#takeBackup(subject);
      this.#failures = 0;
      return isDone;
    } catch (error) {
      if (!isOfBucket(error)) throw error;
      if (this.#failures === 0) this.#before = this.progress;
      this.#failures += 1;
      if (this.#failures === MAX_FAILURES) {
        // What was found before is true all the same; these objects are tried again with the message.
        this.progress = this.#before;
        await this.#flush();
        throw error;
      }
      this.#context.log.warn({ key: subject.key, error }, "Backup could not be read and stays due");
      this.#pass(subject, { unread: this.progress.unread + 1 });
      return true;
    }
  }

  async #takeBackup(subject: Subject): Promise<boolean> {
    const { budget } = this.#context;
    const seen = await secondTry(() => verifyBackup(subject, this.#context));
    budget.spend({ requests: 3 });
    if (seen.is === "gone") {
      this.#pass(subject, {});
      return true;
    }
    this.#work += seen.work;
    this.#pass(subject, { bytes: this.progress.bytes + subject.bytes, ...this.#found(seen.verified) });
    return true;
  }

  async #takeArchive(subject: Subject): Promise<boolean> {
    const { catalog, clock } = this.#context;
    const { key, rank } = subject;
    const page = this.#isBegun(subject) ? (this.progress.after?.page ?? 0) : 0;
    const week = subject.week ?? "";
    const seen = await verifyArchive(
      subject,
      {
        page,
        differences:
          page === 0 ? [] : this.progress.findings.flatMap((found) => (found.key === key ? [found.damage] : [])),
        note: async (found) => {
          // The newest first: what comes of the archive depends on them.
          const findings = [...found.differences.map((damage) => ({ key, damage })), ...this.progress.findings];
          this.progress = {
            ...this.progress,
            after: { rank, key, page: found.page },
            bytes: this.progress.bytes + found.bytes,
            findings: findings.slice(0, MAX_FINDINGS),
          };
          const { damaged } = found;
          await noteArchivePage(catalog, { run: this.#run, progress: this.progress, week, damaged, now: clock() });
          this.#run = await findRun(this.#run.id, this.#context);
        },
      },
      this.#context,
    );
    if (seen.is === "paused") return false;
    this.#pass(subject, seen.is === "seen" ? this.#found(seen.verified) : {});
    return true;
  }

  /** The run goes on behind a subject. */
  #pass({ rank, key }: Subject, change: Partial<VerifyProgress>): void {
    this.progress = { ...this.progress, ...change, after: { rank, key, page: null } };
  }

  #found(verified: Verified): Partial<VerifyProgress> {
    this.#pending.push(verified);
    const { checked, damaged, findings } = this.progress;
    const { damage, subject } = verified;
    if (damage === null) return { checked: checked + 1 };
    const all = [...findings.filter(({ key }) => key !== subject.key), { key: subject.key, damage }];
    return { checked: checked + 1, damaged: damaged + 1, findings: all.slice(0, MAX_FINDINGS) };
  }

  /**
   * Notes what was found since the last time. The receipt comes first: whatever stops in between, every receipt is true,
   * and everything that the catalog knows to be verified has one, so that the bucket alone can say it again. The other way
   * round a crash would leave what nobody could prove.
   */
  async #flush(): Promise<void> {
    const { catalog, clock, budget } = this.#context;
    if (this.progress === this.#run) return;
    // The same in both, so that a rebuilt catalog says what the lost one said.
    const now = clock();
    await this.#writeReceipt(now);
    await noteVerified(catalog, {
      run: this.#run,
      progress: this.progress,
      verified: this.#pending,
      now,
    });
    budget.spend({ queries: 3 + 4 * this.#pending.filter(({ damage }) => damage !== null).length, requests: 1 });
    this.#pending = [];
    await this.#reread();
  }

  async #reread(): Promise<void> {
    this.#run = await findRun(this.#run.id, this.#context);
    this.progress = this.#run;
    this.#before = this.#run;
  }

  async #writeReceipt(now: number): Promise<void> {
    if (this.#pending.length === 0) return;
    const { bucket } = this.#context;
    const receipt: VerifyReceipt = {
      patina: "verify-receipt",
      format: 1,
      // Unlike any other: a piece that is done again leaves another one.
      id: `${this.#run.id}-${this.#run.checked.toString(16)}-${now.toString(16)}`,
      at: timestamp(now),
      backups: this.#pending.map(({ subject: { is, key, etag, bytes }, holder, damage }) => ({
        key,
        etag,
        ...(is === "member" ? { archive: holder } : {}),
        bytes,
        damage,
      })),
    };
    const key = receiptKey(receipt);
    await asking(key, () =>
      bucket.put(key, encodeReceipt(receipt), { httpMetadata: { contentType: "application/json" } }),
    );
  }

  async #end({ postponed, waiting }: Pick<VerifyProgress, "postponed" | "waiting">): Promise<void> {
    const { catalog, clock } = this.#context;
    const progress = { ...this.progress, postponed, waiting };
    await endVerifyRun(catalog, { run: this.#run, progress, now: clock() });
    await this.#reread();
  }
}

/** A run as the catalog has it. */
export async function findRun(id: string, { catalog }: ArchiverContext): Promise<VerifyRun> {
  const run = await findVerifyRun(catalog, id);
  if (run === undefined) throw new PatinaError("catalog_unavailable", `Cannot verify: run "${id}" is gone`);
  return run;
}
