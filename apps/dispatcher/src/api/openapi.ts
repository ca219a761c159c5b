import { ERROR_CODES, type ErrorCode } from "@patina/core/error";
import { VERSION } from "@patina/core/version";
import { type ConversionConfig, type JsonSchema, toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { Answer, Operation } from "./operation.ts";
import { Problem } from "./problem.ts";
import { Backup } from "./views/backup.ts";
import { Failure, Job, JobWithTasksView, Result, Task, TaskEvent } from "./views/job.ts";

/** Shapes that have a name in the document. */
const COMPONENTS = { Problem, Job, Task, Result, Failure, JobWithTasks: JobWithTasksView, TaskEvent, Backup };

/** An OpenAPI 3.1 document, as far as this API uses the format. */
export interface Document {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface DocumentedOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly never[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, DocumentedAnswer>>;
}

export interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface DocumentedAnswer {
  readonly description: string;
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema?: JsonSchema }>>;

/** What any request can meet, whatever it asks for. */
const ANYWHERE: readonly ErrorCode[] = ["not_configured", "unauthorized", "too_many_attempts", "catalog_unavailable"];

/** Describes operations; the same ones give the same document. */
export function documentOf(operations: readonly Operation[]): Document {
  const paths: Record<string, Record<string, DocumentedOperation>> = {};
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Patina",
      version: VERSION,
      description: "Backups of Cloudflare D1 databases: what exists, what runs, and what to do about it.",
    },
    security: [{ token: [] }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "ADMIN_TOKEN, or READ_TOKEN for what only looks." },
      },
      schemas: toJsonSchemaDefs(COMPONENTS, { ...CONVERSION, typeMode: "output" }),
    },
  };
}

function describe(operation: Operation): DocumentedOperation {
  const { method, path, tag, summary, description, needs, body, status, answer, also } = operation;
  const remarks = [description, needs === "admin" ? "Needs the admin token." : ""].filter((text) => text !== "");
  return {
    operationId: [method.toLowerCase(), ...(path.match(/\w+/g) ?? ["root"])].join("_"),
    tags: [tag],
    summary,
    ...(remarks.length === 0 ? {} : { description: remarks.join(" ") }),
    ...(needs === null ? { security: [] } : {}),
    parameters: parametersOf(operation),
    ...(body === null ? {} : { requestBody: { content: { "application/json": { schema: schemaOf(body, "input") } } } }),
    responses: {
      [status]: { description: "Done.", content: contentOf(answer) },
      ...Object.fromEntries(Object.entries(also).map(([code, description]) => [code, { description }])),
      ...problemsOf(operation),
    },
  };
}

function parametersOf({ params, query, headers }: Operation): Parameter[] {
  return [
    ...fieldsOf("path", params.entries),
    ...fieldsOf("query", query.entries),
    ...headers.map(
      ({ name, description }): Parameter => ({
        in: "header",
        name,
        required: false,
        description,
        schema: { type: "string" },
      }),
    ),
  ];
}

function fieldsOf(place: "path" | "query", entries: v.ObjectEntries): Parameter[] {
  return Object.entries(entries).map(([name, entry]) => {
    const { description, ...schema } = schemaOf(entry as v.GenericSchema);
    const required = place === "path";
    return { in: place, name, required, ...(description === undefined ? {} : { description }), schema };
  });
}

function contentOf(answer: Answer): Content {
  if (answer.is === "json") return { "application/json": { schema: schemaOf(answer.schema) } };
  return Object.fromEntries(answer.types.map((type) => [type, {}]));
}

/** Failures by their status: each with the codes that can be behind it. */
function problemsOf({ method, needs, problems }: Operation): Record<string, DocumentedAnswer> {
  const codes = new Set<ErrorCode>([
    "invalid_request",
    ...(method === "GET" ? [] : (["body_too_large"] as const)),
    ...(needs === null ? [] : ANYWHERE),
    ...(needs === "admin" ? (["forbidden"] as const) : []),
    ...problems,
  ]);
  return Object.fromEntries(
    Object.entries(Object.groupBy(codes, (code) => ERROR_CODES[code].status)).map(([status, behind = []]) => [
      status,
      {
        description: `${behind.map((code) => `\`${code}\``).join(" or ")}.`,
        content: { "application/problem+json": { schema: schemaOf(Problem) } },
      },
    ]),
  );
}

const CONVERSION: Omit<ConversionConfig, "definitions" | "typeMode"> = {
  target: "draft-2020-12",
  // What JSON Schema has no words for: conditions in code, and what only types know.
  ignoreActions: ["check", "raw_check", "trim", "readonly"],
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
};

/**
 * Queries and answers are described as they are after reading: a number in a query is a number. Of a body it is said what
 * may be left out.
 */
function schemaOf(schema: v.GenericSchema, typeMode: "input" | "output" = "output"): JsonSchema {
  const { $schema: _, $defs: __, ...rest } = toJsonSchema(schema, { ...CONVERSION, typeMode, definitions: COMPONENTS });
  return rest;
}
