import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bundleWorker, makeDatabase, startSystem, temporaryFolder } from "./harness.ts";

const NAMES = ["one", "two", "three", "four", "five", "six"];

/**
 * Lets queries of source databases wait until three exports are at their gates, or all that are left: whoever runs
 * fewer at a time never gets through, and whoever runs more shows in the events.
 */
async function startGate(exports: number) {
  const waiting: ServerResponse[] = [];
  let passed = 0;
  const server = createServer((_, response) => {
    waiting.push(response);
    // Each export of a small database asks three times: what there is, what the schema is, and everything.
    const left = exports - Math.floor(passed / QUERIES);
    if (waiting.length < Math.min(3, left)) return;
    passed += waiting.length;
    for (const one of waiting.splice(0)) one.end("go");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, stop: () => server.close() };
}

/** Batches that an export of a small database sends. */
const QUERIES = 3;

test("three exports overlap in the local run, and never four", async () => {
  const folder = temporaryFolder();
  const gate = await startGate(NAMES.length);
  const system = await startSystem({
    folder: folder.path,
    files: NAMES.map((name) => makeDatabase(folder.path, { name, rows: 5 })),
    bundles: {
      exporter: bundleWorker(folder.path, {
        name: "stalled-exporter",
        main: join(import.meta.dirname, "workers", "exporter", "stalled.ts"),
      }),
    },
    exporterVars: { GATE: gate.url },
  });
  try {
    await system.patina.fire("nightly", Date.now());
    const [job] = await system.rows("select id from backup_jobs");
    expect(await system.ended(String(job?.["id"]))).toMatchObject({ status: "completed", succeeded: 6 });
    const events = await system.rows(
      "select database, event from task_events where event in ('started', 'exported') order by id",
    );
    const running = new Set<unknown>();
    const overlaps = events.map(({ database, event }) => {
      if (event === "started") running.add(database);
      else running.delete(database);
      return running.size;
    });
    expect(Math.max(...overlaps)).toBe(3);
    expect(events).toHaveLength(12);
  } finally {
    await system.patina.stop();
    gate.stop();
    folder.remove();
  }
});
