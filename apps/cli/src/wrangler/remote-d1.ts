import { PatinaError } from "@patina/core/error";
import { internalNameSql } from "@patina/dump/name";
import type { Query, ResultSet, Source, Value } from "@patina/dump/source";
import * as v from "valibot";
import { CommandError, EXIT } from "../failure.ts";
import type { Wrangler } from "./wrangler.ts";

/** Bytes of SQL in one command: Linux takes 128 KiB in one argument. */
const COMMAND_BYTES = 100_000;

const Results = v.array(v.object({ results: v.array(v.record(v.string(), v.any())) }));
const Bookmark = v.object({ bookmark: v.string() });

/** A D1 database at Cloudflare, reached through wrangler. */
export class RemoteD1 {
  readonly name: string;
  readonly #wrangler: Wrangler;

  constructor(wrangler: Wrangler, name: string) {
    this.#wrangler = wrangler;
    this.name = name;
  }

  /** Where the database stands in its history: Time Travel brings it back to here for 30 days (7 on the free plan). */
  async bookmark(): Promise<string> {
    return v.parse(Bookmark, await this.#wrangler.json(["d1", "time-travel", "info", this.name])).bookmark;
  }

  /** Names of the tables and views that are its users', the youngest first. */
  async objects(): Promise<{ readonly type: string; readonly name: string }[]> {
    const sql = `SELECT type AS c0, name AS c1 FROM sqlite_schema WHERE type IN ('table','view') AND NOT ${internalNameSql("name")} ORDER BY rowid DESC`;
    const [result] = await this.#execute([sql]);
    return (result?.rows ?? []).map(([type, name]) => ({ type: String(type), name: String(name) }));
  }

  /** Imports a file of SQL, which has to be in D1's form. */
  async import(file: string): Promise<void> {
    await this.#wrangler.run(["d1", "execute", this.name, "--remote", "--yes", "--file", file]);
  }

  /**
   * The database as something that can be dumped. Queries of one batch may be answered at different moments; what was
   * written in between shows in the bookmark.
   */
  source(): Source {
    return {
      batch: async (queries) => {
        const results: ResultSet[] = [];
        for (const group of grouped(queries.map(inlined))) results.push(...(await this.#asSource(group)));
        return results;
      },
      bookmark: () => this.bookmark(),
    };
  }

  /** A statement that is refused is the source's failure; everything else ends the command. */
  async #asSource(statements: readonly string[]): Promise<ResultSet[]> {
    try {
      return await this.#execute(statements);
    } catch (cause) {
      if (!(cause instanceof CommandError) || cause.exit !== EXIT.error) throw cause;
      throw new PatinaError("source_failed", cause.message, { cause });
    }
  }

  async #execute(statements: readonly string[]): Promise<ResultSet[]> {
    const command = statements.join(";\n");
    const answer = await this.#wrangler.json(["d1", "execute", this.name, "--remote", "--command", command]);
    const read = v.safeParse(Results, answer);
    if (!read.success || read.output.length !== statements.length) {
      throw new CommandError(`Cannot read D1 database ${this.name}: wrangler answered otherwise than expected`, {
        hint: "Update wrangler in the project.",
      });
    }
    return read.output.map(({ results }) => ({
      rows: results.map((row): readonly Value[] => Object.values(row)),
      rowsRead: 0,
    }));
  }
}

/** Statements that fit into one command together. */
function* grouped(statements: readonly string[]): Generator<string[]> {
  let group: string[] = [];
  let bytes = 0;
  for (const statement of statements) {
    const size = Buffer.byteLength(statement);
    if (group.length > 0 && bytes + size > COMMAND_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(statement);
    bytes += size;
  }
  if (group.length > 0) yield group;
}

/** wrangler binds no parameters. The dumper's are digits, hexadecimal and REALs; nothing else gets into a statement. */
function inlined({ sql, params = [] }: Query): string {
  return sql.replaceAll(/\?(\d+)/g, (whole, number) => {
    const value = params[Number(number) - 1];
    if (value === undefined) return whole;
    if (typeof value === "number") return `CAST('${value}' AS REAL)`;
    if (!/^-?[0-9A-Fa-f]*$/.test(value)) throw new RangeError("Cannot put parameter into statement: it is no number");
    return `'${value}'`;
  });
}
