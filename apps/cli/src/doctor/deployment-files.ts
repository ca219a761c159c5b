import { readFileSync } from "node:fs";
import { join } from "node:path";

const PROJECT = join(import.meta.dirname, "..", "..", "..", "..");

const PATHS = ["wrangler.toml", ...["exporter", "archiver", "aggregator"].map((app) => `apps/${app}/wrangler.toml`)];

/** The wrangler.toml of every Worker. The published command has their texts in place of this file: see build.mjs. */
export const DEPLOYMENT_FILES: readonly string[] = PATHS.map((path) => readFileSync(join(PROJECT, path), "utf8"));
