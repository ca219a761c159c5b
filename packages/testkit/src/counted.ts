/** What a piece of work asked of a D1 database. */
export interface Cost {
  /** Statements; each of a batch counts. */
  queries: number;
  /** As D1 counts and bills them. */
  rowsRead: number;
}

/**
 * A D1 binding that counts. `raw()` and `first()` say nothing about rows read: a statement that only reads is run a second
 * time for that alone, and what others read by these two is not known.
 */
export function countedDatabase(database: D1Database, cost: Cost): D1Database {
  const originals = new WeakMap<object, D1PreparedStatement>();
  const note = ({ meta }: D1Response) => {
    cost.queries += 1;
    cost.rowsRead += meta.rows_read;
  };
  const noted = <R extends D1Response>(response: R): R => {
    note(response);
    return response;
  };
  const wrap = (statement: D1PreparedStatement, isReading: boolean): D1PreparedStatement => {
    const noteApart = async () => {
      if (isReading) note(await statement.all());
      else cost.queries += 1;
    };
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values), isReading),
      all: async () => noted(await statement.all()),
      run: async () => noted(await statement.run()),
      first: async (column: string) => {
        await noteApart();
        return await statement.first(column);
      },
      raw: async () => {
        await noteApart();
        return await statement.raw();
      },
    } as unknown as D1PreparedStatement;
    originals.set(wrapped, statement);
    return wrapped;
  };
  return {
    prepare: (sql: string) => wrap(database.prepare(sql), /^\s*select\b/i.test(sql)),
    batch: async (statements: D1PreparedStatement[]) =>
      (await database.batch(statements.map((one) => originals.get(one) ?? one))).map(noted),
  } as unknown as D1Database;
}
