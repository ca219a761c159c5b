import { QUEUES } from "@patina/messages/queues";
import * as v from "valibot";
import { CommandError, EXIT } from "../failure.ts";
import type { Wrangler } from "../wrangler/wrangler.ts";
import { type ExpectedWorker, expectedWorkers } from "./deployment.ts";
import type { Finding } from "./finding.ts";

/** What a deployment is called in the account. */
export interface AccountNames {
  readonly bucket: string;
  readonly catalog: string;
  /** Bindings of source databases that the exporter has to have, by name; null when nobody has said. */
  readonly sources: readonly string[] | null;
}

/** One look at the account: what wrangler is asked, what permission that needs, and what the answer means. */
interface Look {
  readonly permission: string;
  readonly take: (wrangler: Wrangler) => Promise<Finding[]>;
}

/** Calls of wrangler at once: each is a program of its own, which takes a second to start. */
const AT_ONCE = 4;

const APPLY = "npm run infra -- apply";

const Who = v.looseObject({
  loggedIn: v.boolean(),
  accounts: v.optional(v.array(v.looseObject({ name: v.string() })), []),
});
const Deployment = v.looseObject({ versions: v.array(v.looseObject({ version_id: v.string() })) });
const Version = v.looseObject({
  resources: v.looseObject({ bindings: v.array(v.looseObject({ name: v.string(), type: v.string() })) }),
});
const Databases = v.array(v.looseObject({ uuid: v.string(), name: v.string() }));

/**
 * Looks at everything that a deployment has in its account, through wrangler, and changes nothing. What the login may not
 * see is named as the permission that it lacks.
 */
export async function examineAccount(
  wrangler: Wrangler,
  { names, onProgress }: { names: AccountNames; onProgress: (done: number, all: number) => void },
): Promise<Finding[]> {
  const login = await loginOf(wrangler);
  if (login.end !== "good") return [login];
  const looks = [
    bucket(names),
    lifecycle(names),
    catalog(names),
    ...Object.values(QUEUES).map(queue),
    ...expectedWorkers().map((expected) => worker(expected, names)),
  ];
  const found: Finding[][] = looks.map(() => []);
  let next = 0;
  let done = 0;
  const takeSome = async () => {
    for (let i = next++; i < looks.length; i = next++) {
      const look = looks[i];
      if (look !== undefined) found[i] = await taken(look, wrangler);
      done += 1;
      onProgress(done, looks.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, takeSome));
  return [login, ...permissions(found.flat())];
}

async function loginOf(wrangler: Wrangler): Promise<Finding> {
  const what = { subject: "account", name: "wrangler" };
  try {
    const who = v.safeParse(Who, await wrangler.json(["whoami"]));
    if (who.success && who.output.loggedIn) {
      const accounts = who.output.accounts.map(({ name }) => name);
      return good(what, `logged in${accounts.length === 0 ? "" : `, to ${accounts.join(" and ")}`}`);
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.exit === EXIT.unreachable) {
      return { ...what, end: "unknown", detail: error.message.replace(/^Cannot /, "cannot "), next: error.hint };
    }
  }
  const next = "npx wrangler login, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.";
  return { ...what, end: "unknown", detail: "nobody is logged in: the account is not looked at", next };
}

async function taken({ permission, take }: Look, wrangler: Wrangler): Promise<Finding[]> {
  try {
    return await take(wrangler);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.exit !== EXIT.unauthorized) {
      const detail = error.message.replace(/^Cannot /, "cannot ");
      return [{ subject: "account", name: permission, end: "unknown", detail, next: error.hint }];
    }
    const next = "docs/deploy.md lists what wrangler's token has to be allowed to do.";
    return [bad({ subject: "permission", name: permission }, "the login does not have it", next)];
  }
}

/** A permission that is missing is named once, however many looks it kept from. */
function permissions(found: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return found.filter(({ subject, name }) => {
    if (subject !== "permission" && subject !== "account") return true;
    const isNew = !seen.has(`${subject} ${name}`);
    seen.add(`${subject} ${name}`);
    return isNew;
  });
}

function bucket({ bucket: name }: AccountNames): Look {
  return {
    permission: "Workers R2 Storage",
    async take(wrangler) {
      const what = { subject: "bucket", name };
      if ((await wrangler.find(["r2", "bucket", "info", name, "--json"])) !== null) return [good(what, "there")];
      return [bad(what, "there is no such bucket", `${APPLY}; or name it with --bucket.`)];
    },
  };
}

/** Rules that clear away what unfinished exports leave. */
const RULES = ["patina-uploads", "patina-scratch"];

function lifecycle({ bucket: name }: AccountNames): Look {
  return {
    permission: "Workers R2 Storage",
    async take(wrangler) {
      // wrangler prints the rules for people only.
      const told = await wrangler.find(["r2", "bucket", "lifecycle", "list", name]);
      if (told === null) return [];
      const words = told.split(/\s+/);
      return RULES.map((rule) => {
        const what = { subject: "rule", name: rule };
        if (words.includes(rule)) return good(what, "there");
        return { ...what, end: "warning", detail: "not there: what unfinished exports leave is kept", next: APPLY };
      });
    },
  };
}

function catalog({ catalog: name }: AccountNames): Look {
  return {
    permission: "D1",
    async take(wrangler) {
      const what = { subject: "catalog", name };
      const all = v.parse(Databases, await wrangler.json(["d1", "list"]));
      if (all.some((database) => database.name === name)) return [good(what, "there")];
      return [bad(what, "there is no such D1 database", `${APPLY}; or name it with --catalog.`)];
    },
  };
}

function queue(name: string): Look {
  return {
    permission: "Queues",
    async take(wrangler) {
      const what = { subject: "queue", name };
      const told = await wrangler.find(["queues", "info", name]);
      if (told === null) return [bad(what, "there is no such queue", APPLY)];
      const expected = expectedWorkers().find(({ consumes }) => consumes.includes(name))?.name;
      const [, consumers = ""] = /^Consumers: (.*)$/m.exec(told) ?? [];
      if (expected === undefined || consumers.split(",").includes(`worker:${expected}`)) return [good(what, "there")];
      return [bad(what, `${expected} does not take its messages`, `${APPLY} deploys it.`)];
    },
  };
}

function worker(expected: ExpectedWorker, { sources }: AccountNames): Look {
  return {
    permission: "Workers Scripts",
    async take(wrangler) {
      const { name } = expected;
      const what = { subject: "worker", name };
      const deployed = await wrangler.findJson(["deployments", "status", "--name", name]);
      if (deployed === null) return [bad(what, "it is not deployed", APPLY)];
      const [version] = v.parse(Deployment, deployed).versions;
      if (version === undefined) return [bad(what, "it is not deployed", APPLY)];
      const view = v.parse(Version, await wrangler.json(["versions", "view", version.version_id, "--name", name]));
      const has = view.resources.bindings.map((binding) => binding.name);
      const wanted = name === EXPORTER ? [...expected.bindings, ...(sources ?? [])] : expected.bindings;
      const missing = wanted.filter((binding) => !has.includes(binding));
      const count = `deployed, with ${has.length} bindings`;
      return [
        missing.length === 0 ? good(what, count) : bad(what, `${count}, without ${missing.join(", ")}`, APPLY),
        ...(name === DISPATCHER ? [token(has)] : []),
      ];
    },
  };
}

const DISPATCHER = "patina-dispatcher";
const EXPORTER = "patina-exporter";

function token(has: readonly string[]): Finding {
  const what = { subject: "secret", name: "ADMIN_TOKEN" };
  if (has.includes("ADMIN_TOKEN")) return good(what, "set");
  return {
    ...what,
    end: "warning",
    detail: "not set: without it only Cloudflare Access lets somebody in",
    next: `openssl rand -hex 32 | npx wrangler secret put ADMIN_TOKEN --name ${DISPATCHER}`,
  };
}

type What = Pick<Finding, "subject" | "name">;

function good(what: What, detail: string): Finding {
  return { ...what, end: "good", detail, next: null };
}

function bad(what: What, detail: string, next: string): Finding {
  return { ...what, end: "bad", detail, next };
}
