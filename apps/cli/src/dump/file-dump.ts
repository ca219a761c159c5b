import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { type BackupRef, dumpKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import { damageOf } from "@patina/archive/verification";
import { dateOf, timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { NO_RULES } from "@patina/core/rules";
import { dump, SNAPSHOT_BYTES } from "@patina/dump/dump";
import type { Source } from "@patina/dump/source";
import { StatementCounter } from "@patina/dump/statement-counter";
import { AtomicFile } from "../files/atomic-file.ts";
import { breathe } from "../interruption.ts";

export interface FileDumpRequest {
  readonly database: string;
  readonly environment: string;
  /** A manual job's id. */
  readonly job: string;
  readonly source: Source;
  /** Where the `.sql.gz` goes, and its manifest. */
  readonly files: { readonly dump: string; readonly manifest: string };
  readonly clock: () => number;
  /** What the dump does not carry of a file that D1 does not have. */
  readonly warnings: readonly string[];
  /** Told the bytes of SQL so far, about every megabyte. */
  readonly onProgress: (bytes: number) => void;
}

/**
 * Makes a backup of a database as the exporter does, into files instead of the bucket: the dump first, the manifest last,
 * each under its name only when it is complete.
 */
export async function fileDump(request: FileDumpRequest): Promise<Manifest> {
  const { database, environment, job, source, files, clock } = request;
  const startedAt = clock();
  const ref: BackupRef = { kind: "manual", date: dateOf(startedAt), job, database };
  const file = new AtomicFile(files.dump);
  const beside = new AtomicFile(files.manifest);
  try {
    const gzip = new GzipWriter();
    // R2 names an object that is put at once by the MD5 of its bytes.
    const etag = createHash("md5");
    const store = () => {
      for (const bytes of gzip.take()) {
        etag.update(bytes);
        file.write(bytes);
      }
    };
    const info = { database, environment, job, startedAt: timestamp(startedAt) };
    const options = { rules: NO_RULES, redactionKey: null, snapshotBytes: SNAPSHOT_BYTES };
    const run = dump(source, { ...info, ...options, output: gzip });
    let step = await run.next();
    for (; !step.done; step = await run.next()) {
      store();
      request.onProgress(gzip.position);
      await breathe();
    }
    const summary = step.value;
    const { digests, ...stored } = gzip.end();
    store();
    if (digests === null) throw new TypeError("A dump that was written at once has its digests");
    const written: Manifest = {
      patina: "manifest",
      format: 1,
      database,
      environment,
      job,
      generation: 0,
      kind: ref.kind,
      date: ref.date,
      startedAt: timestamp(startedAt),
      finishedAt: timestamp(clock()),
      mode: summary.mode,
      consistency: summary.consistency,
      object: {
        key: dumpKey(ref),
        bytes: stored.storedBytes,
        sha256: digests.stored,
        etag: etag.digest("hex"),
      },
      sql: {
        format: 1,
        bytes: stored.rawBytes,
        sha256: digests.raw,
        statements: stored.statements,
        body: { ...stored.body, sha256: digests.body },
      },
      rows: summary.rows,
      tables: [...summary.tables],
      schema: summary.schema,
      restartPoints: stored.restartPoints.map(([at, raw]) => [at, raw]),
      warnings: [...summary.warnings, ...request.warnings],
      queries: summary.queries,
      rowsRead: summary.rowsRead,
    };
    // Read again from the disk: what is there must be what was written.
    const onDisk = { stored: createReadStream(file.partial), counter: new StatementCounter() };
    const damage = await damageOf(written, onDisk);
    if (damage !== null) throw new PatinaError("backup_damaged", `Cannot keep "${files.dump}": ${damage}`);
    const manifest: Manifest = { ...written, verifiedAt: timestamp(clock()) };
    beside.write(Buffer.from(encodeManifest(manifest)));
    file.finish();
    beside.finish();
    return manifest;
  } catch (error) {
    beside.abandon();
    file.abandon();
    throw error;
  }
}
