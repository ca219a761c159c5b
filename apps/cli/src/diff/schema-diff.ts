import type { DatabaseSync } from "node:sqlite";

/** One definition: a table, index, view or trigger. */
interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

export interface SchemaDiff {
  readonly added: readonly SchemaObject[];
  readonly removed: readonly SchemaObject[];
  readonly changed: readonly { readonly before: SchemaObject; readonly after: SchemaObject }[];
}

/** The definitions that one database has and another has not, or has otherwise. */
export function diffSchemas(before: DatabaseSync, after: DatabaseSync): SchemaDiff {
  const old = objectsOf(before);
  const now = objectsOf(after);
  const changed = [...old].flatMap(([key, object]) => {
    const other = now.get(key);
    return other === undefined || other.sql === object.sql ? [] : [{ before: object, after: other }];
  });
  return {
    added: [...now].filter(([key]) => !old.has(key)).map(([, object]) => object),
    removed: [...old].filter(([key]) => !now.has(key)).map(([, object]) => object),
    changed,
  };
}

function objectsOf(db: DatabaseSync): Map<string, SchemaObject> {
  const rows = db
    .prepare(
      "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND substr(name,1,7)<>'sqlite_' ORDER BY rowid",
    )
    .all()
    .map((row) => ({ type: String(row["type"]), name: String(row["name"]), sql: String(row["sql"]) }));
  return new Map(rows.map((object) => [`${object.type} ${object.name}`, object]));
}
