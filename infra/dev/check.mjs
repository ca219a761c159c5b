// `npm run check`: the one gate for people. Stops at the first step that fails.
import { NODE, run, setup, turbo } from "./setup.mjs";

setup();
const steps = [
  ["lint", () => run("biome", ["check", "."])],
  ["import direction", () => run("turbo", ["boundaries"])],
  ["types", () => turbo(["typecheck"], { stdio: "inherit" }).status ?? 1],
  ["unused code", () => run("knip", [])],
  ["tests", () => run(NODE, ["infra/dev/test.mjs"])],
];
for (const [name, step] of steps) {
  process.stdout.write(`\n== ${name}\n`);
  const code = step();
  if (code !== 0) {
    process.stderr.write(`\nCheck failed: ${name}\n`);
    process.exit(code);
  }
}
