import { PatinaError } from "@patina/core/error";
import { bindingOf, DATABASE_NAME, DATABASE_NAME_RULE, PRIORITIES, type Priority } from "@patina/core/job";
import type { DumpPolicy } from "@patina/core/retention-policy";
import type { Redaction } from "@patina/core/rules";
import { dumpPolicyOf, faultOfBody, RetentionBody } from "@patina/messages/retention";
import { RulesBody } from "@patina/messages/rules";
import { parse } from "smol-toml";
import * as v from "valibot";

/** One database of `databases.toml`. */
export interface Entry {
  readonly name: string;
  /** Null for the catalog, whose id is not known before it is made. */
  readonly d1Id: string | null;
  readonly binding: string;
  readonly description: string;
  readonly priority: Priority;
  readonly estimatedBytes: number | null;
  readonly certain: boolean;
  readonly redactions: readonly Redaction[];
  readonly excludedTables: readonly string[];
  /** Null for what holds for all databases. */
  readonly retention: DumpPolicy | null;
}

/** What `databases.toml` says. */
export interface Registry {
  readonly bucket: { readonly name: string; readonly lockDays: number };
  readonly catalog: string;
  readonly databases: readonly Entry[];
}

const Name = v.pipe(v.string(), v.regex(DATABASE_NAME, `a database's name has ${DATABASE_NAME_RULE}`));
const Uuid = v.pipe(v.string(), v.uuid("d1_id is the id that `npx wrangler d1 list` shows"));
const Binding = v.pipe(v.string(), v.regex(/^[A-Z][A-Z0-9_]*$/, "a binding has upper-case letters, digits and _"));
const Resource = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, "3 to 63 of a-z, 0-9 and -"));
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

const Retention = v.pipe(
  RetentionBody,
  v.rawCheck(({ dataset, addIssue }) => {
    const fault = dataset.typed ? faultOfBody(dataset.value) : null;
    if (fault !== null) addIssue({ message: fault });
  }),
);

const CATALOG_NAME = "patina-catalog";

const File = v.strictObject({
  bucket: v.optional(v.strictObject({ name: Resource, lock_days: v.optional(Count, 0) }), { name: "patina-backups" }),
  catalog: v.optional(v.strictObject({ name: v.optional(Resource), backup: v.optional(v.boolean()) }), {}),
  databases: v.optional(
    v.array(
      v.strictObject({
        name: Name,
        d1_id: Uuid,
        binding: v.optional(Binding),
        description: v.optional(v.string(), ""),
        priority: v.optional(v.picklist(PRIORITIES), "normal"),
        estimated_bytes: v.optional(Count),
        certain: v.optional(v.boolean(), false),
        redactions: v.optional(RulesBody.entries.redactions, []),
        excluded_tables: v.optional(RulesBody.entries.excludedTables, []),
        retention: v.optional(Retention),
      }),
    ),
    [],
  ),
});

/** The exporter's binding of the catalog. */
export const CATALOG_BINDING = "CATALOG";

/** Bindings that the exporter has for itself. */
const TAKEN = [
  CATALOG_BINDING,
  "BUCKET",
  "EXPORTS",
  "EXPORTS_DEAD",
  "RESULTS",
  "ENVIRONMENT",
  "EXPORT_SECONDS",
  "EXPORT_QUERIES",
];

/**
 * Reads the registry file.
 *
 * @throws {PatinaError} `invalid_request` with the place of the first fault
 */
export function readRegistry(text: string): Registry {
  const read = v.safeParse(File, toml(text));
  if (!read.success) {
    const [issue] = read.issues;
    throw invalid(`${placeOf(issue)}: ${issue.message}`);
  }
  const { bucket, catalog, databases } = read.output;
  const entries = databases.map(
    (one): Entry => ({
      name: one.name,
      d1Id: one.d1_id,
      binding: one.binding ?? bindingOf(one.name),
      description: one.description,
      priority: one.priority,
      estimatedBytes: one.estimated_bytes ?? null,
      certain: one.certain,
      redactions: one.redactions,
      excludedTables: one.excluded_tables,
      retention: one.retention === undefined ? null : dumpPolicyOf(one.retention),
    }),
  );
  refuseTwins(entries);
  const { name: catalogName = CATALOG_NAME, backup: isBackedUp = true } = catalog;
  const own = isBackedUp && !entries.some(({ name }) => name === catalogName) ? [catalogEntry(catalogName)] : [];
  return {
    bucket: { name: bucket.name, lockDays: bucket.lock_days ?? 0 },
    catalog: catalogName,
    databases: [...entries, ...own],
  };
}

/**
 * The catalog is backed up like any other database, through the binding that the exporter has anyway: without the addresses
 * of channels, and without rows that are of no use after minutes.
 */
function catalogEntry(name: string): Entry {
  return {
    name,
    d1Id: null,
    binding: CATALOG_BINDING,
    description: "Patina's catalog: jobs, settings, the audit log",
    priority: "normal",
    estimatedBytes: null,
    certain: false,
    redactions: [{ table: "alert_config", column: "url_ciphertext", as: "null" }],
    excludedTables: ["idempotency_keys", "login_links"],
    retention: null,
  };
}

function refuseTwins(entries: readonly Entry[]): void {
  for (const field of ["name", "binding", "d1Id"] as const) {
    const seen = new Map<string, string>();
    for (const entry of entries) {
      const value = entry[field]?.toLowerCase();
      if (value === undefined) continue;
      const other = seen.get(value);
      if (other !== undefined) throw invalid(`"${other}" and "${entry.name}" have the same ${LABEL[field]}`);
      seen.set(value, entry.name);
    }
  }
  const taken = entries.find(({ binding }) => TAKEN.includes(binding));
  if (taken !== undefined)
    throw invalid(`"${taken.name}" has the binding ${taken.binding}, which is the exporter's own`);
}

const LABEL = { name: "name", binding: "binding", d1Id: "d1_id" } as const;

function toml(text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw invalid(cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause), cause);
  }
}

/** `databases[1].d1_id`, counted from 1 as people count. */
function placeOf(issue: v.BaseIssue<unknown>): string {
  const keys = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? `[${key + 1}]` : `.${String(key)}`));
  return keys.join("").replace(/^\./, "") || "file";
}

function invalid(reason: string, cause?: unknown): PatinaError {
  return new PatinaError("invalid_request", `Cannot read infra/databases.toml: ${reason}`, { cause });
}
