// `npm run -s patina -- ...`: the patina command from a clone, on whatever Node the machine has.
import { NODE, ROOT, run, setup } from "./setup.mjs";

setup();
// npm starts this in the clone; file names are meant where they were typed.
const cwd = process.env.INIT_CWD ?? process.cwd();
process.exit(run(NODE, [`${ROOT}/apps/cli/src/main.ts`, ...process.argv.slice(2)], { cwd }));
