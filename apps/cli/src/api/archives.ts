import { PatinaError } from "@patina/core/error";
import * as v from "valibot";
import type { ApiClient } from "./client.ts";

const Archive = v.object({
  week: v.string(),
  is_stored: v.boolean(),
  backups: v.number(),
  bytes: v.number(),
  raw_bytes: v.number(),
  verified_at: v.nullable(v.string()),
});
/** One weekly archive, as the API shows it. */
export type ApiArchive = v.InferOutput<typeof Archive>;

const Page = v.object({ archives: v.array(Archive), next_cursor: v.nullable(v.string()) });

const Missing = v.object({ date: v.string(), database: v.string(), reason: v.string() });
const Member = v.object({ date: v.string(), database: v.string() });
type Member = v.InferOutput<typeof Member>;

const Members = v.object({
  missing: v.nullable(v.array(Missing)),
  members: v.array(Member),
  next_cursor: v.nullable(v.string()),
});

/** The weekly archives that are whole, the newest first; null where the deployment lists none, as an older one. */
export async function apiArchives(api: ApiClient): Promise<ApiArchive[] | null> {
  const found: ApiArchive[] = [];
  try {
    for await (const { archives } of api.pages("/archives?limit=100", Page)) found.push(...archives);
  } catch (error) {
    if (error instanceof PatinaError && error.code === "not_found") return null;
    throw error;
  }
  return found.filter(({ is_stored }) => is_stored);
}

/** What a week's archive holds, and which backups of its week it lacks. */
export async function archiveContent(
  api: ApiClient,
  { week, database }: { week: string; database?: string | undefined },
): Promise<{ members: Member[]; missing: v.InferOutput<typeof Missing>[] }> {
  const query = new URLSearchParams({ limit: "100", ...(database === undefined ? {} : { database }) });
  const members: Member[] = [];
  let missing: v.InferOutput<typeof Missing>[] = [];
  for await (const page of api.pages(`/archives/${week}?${query}`, Members)) {
    members.push(...page.members);
    missing = page.missing ?? [];
  }
  return { members, missing };
}
