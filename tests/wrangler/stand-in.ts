import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Account } from "./account.ts";

/** wrangler as a program, over an account that a test has prepared in the folder STAND_IN. */
const folder = process.env["STAND_IN"] ?? "";
const options = JSON.parse(readFileSync(join(folder, "options.json"), "utf8"));
const failAt = process.env["STAND_IN_FAILS_AT"];
const account = new Account({ folder, options, ...(failAt === undefined ? {} : { failAt }) });
const { code, out, said } = account.call(process.argv.slice(2));
process.stdout.write(out);
if (code !== 0) process.stderr.write(`${said}\n`);
process.exitCode = code;
