// `npm start`: the local run, on whatever Node the machine has.
import { buildWorkers, NODE, run, setup } from "./setup.mjs";

setup();
buildWorkers();
process.exit(run(NODE, ["apps/cli/src/main.ts", "up", ...process.argv.slice(2)]));
