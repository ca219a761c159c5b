import { isJobId } from "@patina/core/job";
import * as v from "valibot";
import { choose } from "../choice.ts";
import { CommandError, EXIT } from "../failure.ts";
import { JobView } from "../local/job-view.ts";
import type { ApiClient } from "./client.ts";

const Page = v.object({ jobs: v.array(v.object({ id: v.string() })), next_cursor: v.nullable(v.string()) });

/** Pages of a hundred jobs among which the beginning of an id is looked for. */
const PAGES = 5;

/**
 * One job with its tasks.
 *
 * @throws {CommandError} exit 10 when there is none
 */
export async function jobOf(api: ApiClient, id: string): Promise<JobView> {
  const found = await api.find(`/jobs/${encodeURIComponent(id)}`, JobView);
  if (found !== null) return found;
  throw new CommandError(`Cannot find job "${id}": none has that name`, {
    exit: EXIT.notFound,
    hint: "patina status latest shows the last one, patina list those that made a backup.",
  });
}

/**
 * The id of the job that somebody means: an id, the beginning of a recent one, or `latest`.
 *
 * @throws {CommandError} exit 10 when there is none, exit 2 when there are several
 */
export async function jobMeant(api: ApiClient, typed: string): Promise<string> {
  if (isJobId(typed)) return typed;
  const ids: string[] = [];
  const limit = typed === "latest" ? 1 : 100;
  let pages = 0;
  for await (const { jobs } of api.pages(`/jobs?limit=${limit}`, Page)) {
    ids.push(...jobs.map(({ id }) => id));
    pages += 1;
    if (typed === "latest" || pages === PAGES) break;
  }
  if (typed !== "latest") return choose(typed, { names: ids, thing: "job" });
  const [latest] = ids;
  if (latest !== undefined) return latest;
  throw new CommandError("Cannot find the latest job: nothing has run yet", {
    exit: EXIT.notFound,
    hint: "patina trigger starts one.",
  });
}
