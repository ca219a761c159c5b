// Makes dist/: the command as one file without dependencies, and the package.json it is published with. The local run
// stays out of it: it needs the Workers, which are in the repository.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const HERE = import.meta.dirname;
const OUT = join(HERE, "dist");

const { version, license } = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8"));

/** In words that any Node understands. Node 22.16 and 24 have all of node:sqlite that is used here; 23 never got it. */
const REFUSE_OLD_NODE = `var node = process.versions.node.split(".").map(Number);
if (node[0] < 22 || node[0] === 23 || (node[0] === 22 && node[1] < 16)) {
  process.stderr.write("Cannot run patina: it needs Node 22.16, or 24 or newer, and this is Node " + process.versions.node + ".\\n");
  process.stderr.write("Try: npx -y -p node@24 -p patina-backup patina ..., or install Node 24.\\n");
  process.exit(1);
}`;

/** Node 22 calls node:sqlite experimental each time; what it is used for here is proven by digests. */
const HUSH = `var emitWarning = process.emitWarning;
process.emitWarning = function (warning) {
  if (!/^SQLite is an experimental feature/.test(String(warning))) emitWarning.apply(process, arguments);
};`;

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const workers = ["wrangler.toml", ...["exporter", "archiver", "aggregator"].map((app) => `apps/${app}/wrangler.toml`)];

await build({
  entryPoints: [join(HERE, "src", "main.ts")],
  outfile: join(OUT, "patina.js"),
  bundle: true,
  platform: "node",
  // Modules would be linked first, and fail for want of node:sqlite before a line of them has run.
  format: "cjs",
  target: "node22.16",
  external: ["wrangler"],
  logLevel: "warning",
  // `import.meta` is only asked for by what the published command leaves out.
  logOverride: { "empty-import-meta": "silent" },
  banner: { js: `${REFUSE_OLD_NODE}\n${HUSH}` },
  plugins: [
    {
      name: "without-local-run",
      setup({ onResolve }) {
        onResolve({ filter: /\/local\/patina\.ts$/ }, () => ({ path: join(HERE, "src", "local", "absent.ts") }));
      },
    },
    {
      // What the repository has beside it, patina doctor brings along.
      name: "with-deployment-files",
      setup({ onLoad }) {
        onLoad({ filter: /\/doctor\/deployment-files\.ts$/ }, () => {
          const texts = workers.map((path) => readFileSync(join(HERE, "..", "..", path), "utf8"));
          return { contents: `export const DEPLOYMENT_FILES = ${JSON.stringify(texts)};`, loader: "js" };
        });
      },
    },
  ],
});
chmodSync(join(OUT, "patina.js"), 0o755);
copyFileSync(join(HERE, "..", "..", "LICENSE"), join(OUT, "LICENSE"));
const manifest = {
  name: "patina-backup",
  version,
  description: "Exact, proven backups of Cloudflare D1 databases: list, verify, restore, compare",
  license,
  keywords: ["cloudflare", "d1", "backup", "restore", "sqlite"],
  bin: { patina: "patina.js" },
  files: ["patina.js"],
  engines: { node: "^22.16.0 || >=24" },
};
writeFileSync(join(OUT, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
