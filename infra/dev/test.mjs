// `npm test`: everything, on whatever Node the machine has. Arguments go to vitest.
import { providePrograms } from "./programs.mjs";
import { buildWorkers, NODE, run, setup } from "./setup.mjs";

setup();
buildWorkers();
providePrograms();
process.exit(run(NODE, ["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)]));
