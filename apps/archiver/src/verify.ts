import { openVerifyRun } from "@patina/catalog/verify-runs";
import { DONE, type Outcome } from "@patina/core/outcome";
import { encode, type Verify } from "@patina/messages/message";
import type { ArchiverContext } from "./upkeep.ts";
import { findRun, Verification } from "./verification.ts";

/**
 * Verifies stored backups: those that are due, the longest unverified first, as far as the run's bytes reach; or those
 * that somebody named. What does not fit into one invocation goes on in the next.
 */
export async function verify(message: Verify, context: ArchiverContext): Promise<Outcome> {
  const { catalog, clock, log, upkeep } = context;
  const { run: id, database, date } = message;
  const scope = database === null && date === null ? "due" : "asked";
  await openVerifyRun(catalog, { run: { id, scope, database, date }, now: clock() });
  const run = await findRun(id, context);
  if (run.state === "done") return DONE;
  const verification = new Verification(run, context);
  const ended = await verification.work();
  const { checked, damaged, unread, postponed, bytes } = verification.progress;
  const facts = { run: id, checked, damaged, unread, postponed, bytes };
  if (!ended) {
    log.info(facts, "Verification goes on");
    await upkeep.send(encode({ ...message, snoozes: 0 }));
  } else if (damaged > 0) log.error(facts, "Verification has found damage");
  else log.info(facts, "Verification has ended");
  return DONE;
}
