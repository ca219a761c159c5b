#!/usr/bin/env node
// Stands for wrangler and Cloudflare: a D1 database is a SQLite file that enforces foreign keys and runs every statement
// of an import by itself, as a remote import may. It takes no option that the real command does not know (known.json,
// made from its --help), refuses what D1's import refuses, and notes its calls.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { splitStatements } from "@patina/dump/statements";

const HOME = process.env.STAND_IN;
const args = process.argv.slice(2);
appendFileSync(join(HOME, "calls.jsonl"), `${JSON.stringify(args)}\n`);

function fail(message) {
  process.stderr.write(`✘ [ERROR] ${message}\n`);
  process.exit(1);
}

const known = JSON.parse(readFileSync(join(HOME, "known.json"), "utf8"));
const words = args.filter((word) => !word.startsWith("-"));
const command = words[1] === "time-travel" ? words.slice(0, 3) : words.slice(0, 2);
const options = known[command.join(" ")] ?? fail(`Unknown command: ${command.join(" ")}`);
for (const option of args.filter((word) => word.startsWith("--"))) {
  if (!options.includes(option)) fail(`Unknown argument: ${option.slice(2)}`);
}
if (process.env.STAND_IN_LOGGED_OUT) fail("You are not logged in: set CLOUDFLARE_API_TOKEN.");

const name = words[command.length];
const file = join(HOME, `${name}.sqlite`);
if (!existsSync(file)) fail(`Couldn't find a D1 DB with the name or binding '${name}'`);
const db = new DatabaseSync(file, { enableForeignKeyConstraints: true, enableDoubleQuotedStringLiterals: true });
const valueAfter = (option) => args[args.indexOf(option) + 1];

if (command[1] === "time-travel") {
  const { v } = db.prepare("SELECT value AS v FROM _cf_bookmark").get() ?? { v: 0 };
  process.stdout.write(`${JSON.stringify({ bookmark: `0000-${v}` })}\n`);
} else if (args.includes("--file")) {
  const sql = readFileSync(valueAfter("--file"), "utf8");
  if (/BEGIN TRANSACTION|^COMMIT;/m.test(sql)) fail("cannot start a transaction within a transaction");
  try {
    for (const statement of splitStatements(sql)) {
      if (Buffer.byteLength(statement) > 100_000) throw new Error("statement too long");
      if (process.env.STAND_IN_FAILS_AT && statement.includes(process.env.STAND_IN_FAILS_AT))
        throw new Error("D1_ERROR: out of memory");
      db.exec(statement);
    }
  } catch (error) {
    fail(error.message);
  } finally {
    db.exec("UPDATE _cf_bookmark SET value = value + 1");
  }
  process.stdout.write("Executed\n");
} else {
  const results = [];
  for (const statement of splitStatements(valueAfter("--command"))) {
    try {
      results.push({ results: db.prepare(statement).all(), success: true, meta: {} });
    } catch (error) {
      fail(error.message);
    }
  }
  process.stdout.write(`a warning that wrangler prints\n${JSON.stringify(results)}\n`);
}
