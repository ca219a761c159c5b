import { PatinaError } from "@patina/core/error";
import { type Account, findCatalog, readAccount } from "./account.ts";
import { describe, planOf, type Step } from "./plan.ts";
import { registerSql } from "./register-sql.ts";
import type { Registry } from "./registry.ts";
import { CONFIGS, type Files, renderAll } from "./render.ts";
import type { WorkerName } from "./workers.ts";
import type { Wrangler } from "./wrangler.ts";

/** What carrying out a plan needs of the world. */
export interface World extends Files {
  readonly wrangler: Wrangler;
  readonly say: (line: string) => void;
  readonly clock: () => number;
}

/** Shows what apply() would do. */
export async function plan(registry: Registry, world: World): Promise<void> {
  const { say } = world;
  const account = await readAccount(registry, world);
  for (const step of planOf(registry, account)) say(describe(step));
  remind(account, say);
}

/** Does what the plan says, step by step. A step that fails ends it; what was done stays, and the next run goes on. */
export async function apply(registry: Registry, world: World): Promise<void> {
  const account = await readAccount(registry, world);
  for (const step of planOf(registry, account)) {
    world.say(describe(step));
    await take(step, { registry, world });
  }
  remind(account, world.say);
}

function remind({ hasToken }: Account, say: World["say"]): void {
  if (hasToken) return;
  say("! the dispatcher has no ADMIN_TOKEN: the API refuses to serve until it has one of 32 characters or more:");
  say("  openssl rand -hex 32 | npx wrangler secret put ADMIN_TOKEN --name patina-dispatcher");
}

async function take(step: Step, { registry, world }: { registry: Registry; world: World }): Promise<void> {
  const { wrangler } = world;
  switch (step.do) {
    case "create-bucket":
      await wrangler.run(["r2", "bucket", "create", step.name]);
      return;
    case "create-queue":
      await wrangler.run(["queues", "create", step.name]);
      return;
    case "create-catalog":
      await wrangler.run(["d1", "create", step.name]);
      return;
    case "abort-uploads":
      await wrangler.run([
        ...LIFECYCLE,
        step.bucket,
        step.rule,
        "--abort-multipart-days",
        String(step.days),
        "--force",
      ]);
      return;
    case "expire":
      await wrangler.run([
        ...LIFECYCLE,
        step.bucket,
        step.rule,
        step.prefix,
        "--expire-days",
        String(step.days),
        "--force",
      ]);
      return;
    case "lock":
      await wrangler.run([
        ...LOCK,
        step.bucket,
        step.rule,
        step.prefix,
        "--retention-days",
        String(step.days),
        "--force",
      ]);
      return;
    case "migrate":
      renderAll(registry, { ...world, catalogId: await theCatalog(registry, world) });
      await wrangler.run(["d1", "migrations", "apply", "CATALOG", "--remote", ...configOf("dispatcher")]);
      return;
    case "deploy":
      await wrangler.run(["deploy", ...configOf(step.worker)]);
      return;
    case "register": {
      const file = ".patina/register.sql";
      world.write(file, registerSql(step.changes, world.clock()));
      await wrangler.run(["d1", "execute", "CATALOG", "--remote", "--yes", "--file", file, ...configOf("dispatcher")]);
    }
  }
}

async function theCatalog({ catalog }: Registry, { wrangler }: World): Promise<string> {
  const id = await findCatalog(wrangler, catalog);
  if (id !== null) return id;
  throw new PatinaError("not_found", `Cannot deploy: there is no D1 database "${catalog}" in the account`);
}

const LIFECYCLE = ["r2", "bucket", "lifecycle", "add"];
const LOCK = ["r2", "bucket", "lock", "add"];

function configOf(worker: WorkerName): string[] {
  return ["--config", CONFIGS[worker].rendered];
}
