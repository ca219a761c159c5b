import { PRIORITIES } from "@patina/core/job";
import { QUEUES } from "@patina/messages/queues";
import { type Account, LOCKS, type Registered, RULES } from "./account.ts";
import type { Entry, Registry } from "./registry.ts";
import { WORKERS, type WorkerName } from "./workers.ts";

/** One thing that has to be done. */
export type Step =
  | { readonly do: "create-bucket"; readonly name: string }
  | { readonly do: "create-queue"; readonly name: string }
  | { readonly do: "create-catalog"; readonly name: string }
  | { readonly do: "abort-uploads"; readonly bucket: string; readonly rule: string; readonly days: number }
  | {
      readonly do: "expire";
      readonly bucket: string;
      readonly rule: string;
      readonly prefix: string;
      readonly days: number;
    }
  | {
      readonly do: "lock";
      readonly bucket: string;
      readonly rule: string;
      readonly prefix: string;
      readonly days: number;
    }
  | { readonly do: "migrate"; readonly catalog: string }
  | { readonly do: "deploy"; readonly worker: WorkerName }
  | { readonly do: "register"; readonly changes: readonly Change[] };

/** What registering does to one database. */
export type Change =
  | { readonly kind: "add"; readonly entry: Entry }
  | { readonly kind: "change"; readonly entry: Entry; readonly fields: readonly string[] }
  /** It is no longer in the file: no more backups are made; those that exist stay. */
  | { readonly kind: "pause"; readonly name: string };

/** Days after which an unfinished upload is aborted: an export ends or begins again within hours. */
const UPLOAD_DAYS = 2;

/** Days after which what an unfinished export left in scratch/ goes. */
const SCRATCH_DAYS = 7;

/** Everything that has to be done, in order. Nothing that is there already is made again; Workers are always deployed. */
export function planOf(registry: Registry, account: Account): Step[] {
  const bucket = registry.bucket.name;
  const steps: Step[] = [];
  if (!account.bucket) steps.push({ do: "create-bucket", name: bucket });
  if (!account.rules.includes(RULES.uploads)) {
    steps.push({ do: "abort-uploads", bucket, rule: RULES.uploads, days: UPLOAD_DAYS });
  }
  if (!account.rules.includes(RULES.scratch)) {
    steps.push({ do: "expire", bucket, rule: RULES.scratch, prefix: "scratch/", days: SCRATCH_DAYS });
  }
  if (registry.bucket.lockDays > 0) {
    for (const [prefix, rule] of Object.entries(LOCKS)) {
      if (account.rules.includes(rule)) continue;
      steps.push({ do: "lock", bucket, rule, prefix: `${prefix}/`, days: registry.bucket.lockDays });
    }
  }
  for (const name of Object.values(QUEUES))
    if (!account.queues.includes(name)) steps.push({ do: "create-queue", name });
  if (account.catalogId === null) steps.push({ do: "create-catalog", name: registry.catalog });
  steps.push({ do: "migrate", catalog: registry.catalog });
  for (const worker of WORKERS) steps.push({ do: "deploy", worker });
  const changes = changesOf(registry.databases, account.databases ?? []);
  if (changes.length > 0) steps.push({ do: "register", changes });
  return steps;
}

/** What the registry's databases need, most urgent first. */
export function changesOf(entries: readonly Entry[], registered: readonly Registered[]): Change[] {
  const changes: Change[] = [];
  for (const entry of entries) {
    const there = registered.find(({ name }) => name === entry.name);
    if (there === undefined) {
      changes.push({ kind: "add", entry });
      continue;
    }
    const fields = differences(entry, there);
    if (fields.length > 0) changes.push({ kind: "change", entry, fields });
  }
  const gone = registered.filter(({ name, enabled }) => enabled && !entries.some((entry) => entry.name === name));
  return [...changes, ...gone.map(({ name }): Change => ({ kind: "pause", name }))];
}

function differences(entry: Entry, there: Registered): string[] {
  return [
    ...(entry.d1Id === there.d1Id ? [] : ["d1_id"]),
    ...(entry.binding === there.binding ? [] : ["binding"]),
    ...(entry.description === there.description ? [] : ["description"]),
    ...(PRIORITIES.indexOf(entry.priority) === there.priority ? [] : ["priority"]),
    ...(entry.estimatedBytes === there.estimatedBytes ? [] : ["estimated_bytes"]),
    ...(entry.certain === there.certain ? [] : ["certain"]),
    ...(JSON.stringify(entry.redactions) === there.redactions ? [] : ["redactions"]),
    ...(JSON.stringify(entry.excludedTables) === there.excludedTables ? [] : ["excluded_tables"]),
    ...((entry.retention === null ? null : JSON.stringify(entry.retention)) === there.retention ? [] : ["retention"]),
  ];
}

/** A step as a line for people. */
export function describe(step: Step): string {
  switch (step.do) {
    case "create-bucket":
      return `+ bucket ${step.name}`;
    case "create-queue":
      return `+ queue ${step.name}`;
    case "create-catalog":
      return `+ D1 database ${step.name} (the catalog)`;
    case "abort-uploads":
      return `+ rule ${step.rule}: uploads that are unfinished after ${step.days} days are aborted`;
    case "expire":
      return `+ rule ${step.rule}: objects under ${step.prefix} go after ${step.days} days`;
    case "lock":
      return `+ lock ${step.rule}: objects under ${step.prefix} cannot be changed or deleted for ${step.days} days`;
    case "migrate":
      return `~ migrations of ${step.catalog}, as far as they are missing`;
    case "deploy":
      return `~ Worker patina-${step.worker}`;
    case "register":
      return step.changes.map(describeChange).join("\n");
  }
}

function describeChange(change: Change): string {
  switch (change.kind) {
    case "add":
      return `+ database ${change.entry.name} (${change.entry.binding}, ${change.entry.priority})`;
    case "change":
      return `~ database ${change.entry.name}: ${change.fields.join(", ")}`;
    case "pause":
      return `- database ${change.name}: not in the file, paused; its backups stay`;
  }
}
