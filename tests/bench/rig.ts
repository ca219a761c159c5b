import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { d1Path } from "../compare/d1-file.ts";
import { bundleWorker } from "../system/harness.ts";
import { HeapProbe } from "./heap.ts";
import { cpuSeconds, newestChild, peakMemory, resetPeak } from "./processes.ts";

/** The bench Worker in workerd, over local D1 databases that are copies of SQLite files, and local R2. */
export interface Rig {
  /** Asks the Worker and reads its JSON; `database` is the name of one of the files. */
  ask(path: string, query: Readonly<Record<string, string | number>>, body?: Buffer): Promise<Answer>;
  /** A backup of a database, as it is stored. */
  stored(database: string): Promise<Buffer>;
  /** The Worker's isolate. */
  readonly heap: HeapProbe;
  /** Peak of the whole workerd process, with D1 and R2 in it, in bytes since resetMemory(). */
  memory(): number;
  resetMemory(): void;
  /** Seconds of CPU that the whole workerd process has used so far. */
  cpu(): number;
  stop(): Promise<void>;
}

type Answer = Readonly<Record<string, number | string>>;

export interface RigOptions {
  /** SQLite file by the name of its database. */
  readonly files: Readonly<Record<string, string>>;
  /** The Worker, a file of this folder. */
  readonly main?: "worker.ts" | "archive-worker.ts";
  /** Of V8, for every isolate of the process. */
  readonly v8Flags?: string;
}

const V8_FLAGS = "MINIFLARE_WORKERD_V8_FLAGS";

export async function startRig({ files, main = "worker.ts", v8Flags }: RigOptions): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "patina-bench-"));
  const resources = join(folder, "state");
  for (const [name, file] of Object.entries(files)) {
    mkdirSync(dirname(d1Path(resources, name)), { recursive: true });
    copyFileSync(file, d1Path(resources, name));
  }
  const script = bundleWorker(folder, { name: "bench-worker", main: join(import.meta.dirname, main) });
  const names = Object.keys(files);
  let heap: HeapProbe | null = null;
  if (v8Flags !== undefined) process.env[V8_FLAGS] = v8Flags;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          name: "bench",
          compatibilityDate: "2026-11-17",
          rootPath: folder,
          modules: [{ type: "ESModule", path: script }],
          d1Databases: Object.fromEntries(names.map((name, i) => [`D${i}`, name])),
          r2Buckets: { BUCKET: "backups" },
          durableObjects: { SCRATCH: { className: "Scratch", useSQLite: true } },
          serviceBindings: {
            async SAMPLER() {
              await heap?.sample();
              return new Response(null) as never;
            },
          },
        },
      ],
      port: 0,
      inspectorPort: 0,
      cf: false,
      resourcePersistencePath: resources,
      log: new Log(LogLevel.ERROR),
    }),
  );
  const inspector = await miniflare.getInspectorURL();
  delete process.env[V8_FLAGS];
  const probe = await HeapProbe.connect(inspector, "bench");
  heap = probe;
  const pid = newestChild("workerd");
  const get = async (path: string, query: Readonly<Record<string, string | number>>, body?: Buffer) => {
    const values = Object.entries({ ...query, binding: `D${names.indexOf(String(query["database"]))}` });
    const search = new URLSearchParams(values.map(([key, value]) => [key, String(value)]));
    const init = body === undefined ? {} : { method: "POST", body };
    const answer = await miniflare.dispatchFetch(`http://bench/${path}?${search}`, init);
    if (!answer.ok) throw new Error(`Cannot measure ${path}: ${await answer.text()}`);
    return answer;
  };
  return {
    ask: async (path, query, body) => (await (await get(path, query, body)).json()) as Answer,
    async stored(database) {
      await get("backup", { database });
      return Buffer.from(await (await get("stored", { database })).arrayBuffer());
    },
    heap: probe,
    memory: () => peakMemory(pid),
    resetMemory: () => resetPeak(pid),
    cpu: () => cpuSeconds(pid),
    async stop() {
      probe.close();
      await miniflare.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
