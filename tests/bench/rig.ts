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
  /** Peak of the Worker's workerd process in bytes since resetMemory(), with D1 and R2 in it unless they are apart. */
  memory(): number;
  resetMemory(): void;
  /** Seconds of CPU that the Worker, D1 and R2 have used so far. */
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
  /** Whether D1 and R2 run in a process of their own, as they run elsewhere in production. */
  readonly isApart?: boolean;
}

const V8_FLAGS = "MINIFLARE_WORKERD_V8_FLAGS";

export async function startRig({ files, main = "worker.ts", v8Flags, isApart = false }: RigOptions): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "patina-bench-"));
  const resources = join(folder, "state");
  for (const [name, file] of Object.entries(files)) {
    mkdirSync(dirname(d1Path(resources, name)), { recursive: true });
    copyFileSync(file, d1Path(resources, name));
  }
  const script = bundleWorker(folder, { name: "bench-worker", main: join(import.meta.dirname, main) });
  const names = Object.keys(files);
  const shared = { resourcePersistencePath: resources, cf: false as const, log: new Log(LogLevel.ERROR) };
  const apart = isApart ? await startPlatform(folder, shared) : null;
  let heap: HeapProbe | null = null;
  if (v8Flags !== undefined) process.env[V8_FLAGS] = v8Flags;
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({
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
      ...shared,
    }),
    ...apart?.sharing,
  });
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
    cpu: () => cpuSeconds(pid) + (apart === null ? 0 : cpuSeconds(apart.pid)),
    async stop() {
      probe.close();
      await miniflare.dispose();
      await apart?.platform.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A workerd for D1 and R2 alone. Of the instances that share a folder of resources the first one owns them, and the others
 * ask it, as several `wrangler dev` do.
 */
async function startPlatform(folder: string, shared: { resourcePersistencePath: string; cf: false; log: Log }) {
  const sharing = {
    enableDevRegistry: true,
    unsafeDevRegistryPath: join(folder, "registry"),
    unsafeEnableSharedStorage: true,
    isolatedResourcePersistencePath: join(folder, "own"),
  };
  const script = "export default { fetch: () => new Response() }";
  const platform = new Miniflare({
    ...convertV4MiniflareOptions({
      workers: [{ name: "platform", compatibilityDate: "2026-11-17", modules: true, script }],
      port: 0,
      ...shared,
    }),
    ...sharing,
  });
  await platform.ready;
  return { platform, sharing, pid: newestChild("workerd") };
}
