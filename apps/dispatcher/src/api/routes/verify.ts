import { listBackups } from "@patina/catalog/backups";
import { findDatabase } from "@patina/catalog/databases";
import { findVerifyRun, listVerifyRuns, openVerifyRun } from "@patina/catalog/verify-runs";
import { countSubjects } from "@patina/catalog/verify-subjects";
import { PatinaError } from "@patina/core/error";
import { askedRunId, isRunId } from "@patina/core/verification";
import type { Context } from "hono";
import * as v from "valibot";
import { sendVerify } from "../../verification.ts";
import type { Api } from "../app.ts";
import { auditEntry } from "../audited.ts";
import { DatabaseName, Day } from "../fields.ts";
import { operation } from "../operation.ts";
import { PAGE, pageOf, pageSize, paging } from "../page.ts";
import { VerifyRun, VerifyRunWithFindings, verifyRunView, verifyRunWithFindings } from "../views/verify-run.ts";

const start = operation({
  method: "POST",
  path: "/verify",
  tag: "Verification",
  summary: "Read stored backups from end to end and compare them with their manifests, now",
  description:
    "Those of a database, of a date, of a database and a date, or without either all that is stored, weekly archives included. Backups whose own objects are gone are read out of their archives. What is damaged is marked, told of, and backed up anew.",
  body: { database: v.optional(DatabaseName), date: v.optional(Day) },
  status: 202,
  answer: VerifyRun,
  problems: ["not_found"],
  async handle(c, { body, seed }) {
    const context = c.get("context");
    const { catalog } = context;
    const id = askedRunId(seed.at, Buffer.from(seed.entropy, "hex"));
    const run = { id, scope: "asked", database: body.database ?? null, date: body.date ?? null } as const;
    await checkStored(run, c);
    const audit = auditEntry(c, { action: "verify.start", subject: id, detail: { ...body } });
    await openVerifyRun(catalog, { run, now: seed.at, audit });
    // A request that is gone on with sends a second message, which finds the run under way or ended.
    await sendVerify(run, context);
    c.header("location", `/verify/${id}`);
    return verifyRunView(await found(id, c));
  },
});

/** Refuses to verify nothing. */
async function checkStored(
  run: { readonly id: string; readonly scope: "asked"; readonly database: string | null; readonly date: string | null },
  c: Context<Api>,
): Promise<void> {
  const { catalog } = c.get("context");
  if ((await countSubjects(catalog, { ...run, startedAt: 0, after: null })) > 0) return;
  const { database, date } = run;
  if (database !== null && (await findDatabase(catalog, database)) === undefined) {
    const [known] = await listBackups(catalog, { filter: { database }, limit: 1 });
    if (known === undefined) {
      throw new PatinaError("not_found", "Cannot verify: no database of this name is registered");
    }
  }
  const what = database === null && date === null ? "nothing is stored" : "no stored backup is of what was named";
  throw new PatinaError("not_found", `Cannot verify: ${what}`);
}

async function found(id: string, c: Context<Api>) {
  const run = isRunId(id) ? await findVerifyRun(c.get("context").catalog, id) : undefined;
  if (run === undefined) throw new PatinaError("not_found", "Cannot find this verification");
  return run;
}

const list = operation({
  method: "GET",
  path: "/verify",
  tag: "Verification",
  summary: "Verifications of stored backups, the newest first",
  query: paging(v.strictTuple([v.number(), v.string()])),
  answer: v.strictObject({ runs: v.array(VerifyRun), ...PAGE }),
  async handle(c, { query: { limit: asked, cursor } }) {
    const { limit, read } = pageSize(asked);
    const runs = await listVerifyRuns(c.get("context").catalog, {
      after: cursor === undefined ? undefined : { startedAt: cursor[0], id: cursor[1] },
      limit: read,
    });
    const page = pageOf(runs, { limit, placeOf: (last) => [last.startedAt, last.id] });
    return { runs: page.entries.map(verifyRunView), next_cursor: page.next_cursor };
  },
});

const one = operation({
  method: "GET",
  path: "/verify/:id",
  tag: "Verification",
  summary: "One verification: how far it came, and what it found",
  params: { id: v.string() },
  answer: VerifyRunWithFindings,
  problems: ["not_found"],
  async handle(c, { params: { id } }) {
    return verifyRunWithFindings(await found(id, c));
  },
});

export const verify = [start, list, one];
