// `npm run bench`: measures this machine, see docs/benchmarks.md. Arguments are sections, and --full.
import { buildWorkers, NODE, run, setup } from "./setup.mjs";

setup();
buildWorkers();
process.exit(run(NODE, ["tests/bench/main.ts", ...process.argv.slice(2)]));
