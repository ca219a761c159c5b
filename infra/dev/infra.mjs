// `npm run infra -- plan|apply`: what Patina needs in a Cloudflare account, on whatever Node the machine has.
import { NODE, run, setup } from "./setup.mjs";

setup();
process.exit(run(NODE, ["infra/src/main.ts", ...process.argv.slice(2)]));
