import { findDatabase } from "@patina/catalog/databases";
import { PatinaError } from "@patina/core/error";
import * as v from "valibot";
import { Count, DatabaseName } from "../fields.ts";
import { operation } from "../operation.ts";
import { Failure, failureView } from "../views/job.ts";

const Table = v.strictObject({
  name: v.string(),
  rows: Count,
  exact: v.pipe(v.boolean(), v.description("Whether the rows were counted; otherwise there are at most so many.")),
});

const Preflight = v.strictObject({
  database: DatabaseName,
  mode: v.picklist(["snapshot", "paged"]),
  bytes: v.nullable(Count),
  tables: v.array(Table),
  rows: Count,
  rows_read: v.pipe(Count, v.description("Rows that an export will read, as D1 bills them.")),
  rows_written: v.pipe(Count, v.description("Rows that a drill will write, as the platform bills them.")),
  stored_bytes: v.pipe(Count, v.description("Bytes of the stored dump, from the first rows of each table.")),
  warnings: v.pipe(v.array(v.string()), v.description("What the dump will not carry, a sentence each.")),
  over_limits: v.pipe(v.array(v.string()), v.description("What D1 would not take back, a sentence each.")),
  refusal: v.pipe(v.nullable(Failure), v.description("Why the database's rules cannot be applied.")),
});

export const preflight = operation({
  method: "GET",
  path: "/databases/:db/preflight",
  tag: "Databases",
  summary: "What a backup of a database will be like, and what it will not carry",
  description:
    "Reads the database: its schema, the first few hundred rows of each table, and counts where that is cheap.",
  needs: "admin",
  params: { db: DatabaseName },
  answer: Preflight,
  problems: [
    "not_found",
    "source_missing",
    "source_unusable",
    "source_unreachable",
    "source_overloaded",
    "source_failed",
    "rule_refused",
  ],
  async handle(c, { params: { db } }) {
    if ((await findDatabase(c.get("context").catalog, db)) === undefined) {
      throw new PatinaError("not_found", "Cannot find this database: it is not registered");
    }
    const answer = await c.env.preflights.preflight(db);
    if (answer.end === "refused") throw new PatinaError(answer.code, answer.message);
    const { mode, bytes, tables, rows, rowsRead, rowsWritten, storedBytes, warnings, overLimits, refusal } =
      answer.preflight;
    return {
      database: db,
      mode,
      bytes,
      tables: tables.map(({ name, rows: count, isExact }) => ({ name, rows: count, exact: isExact })),
      rows,
      rows_read: rowsRead,
      rows_written: rowsWritten,
      stored_bytes: storedBytes,
      warnings: [...warnings],
      over_limits: [...overLimits],
      refusal: refusal === null ? null : failureView(refusal.code, { message: refusal.message }),
    };
  },
});
