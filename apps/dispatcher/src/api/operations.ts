import type { Operation } from "./operation.ts";
import { alerts } from "./routes/alerts.ts";
import { archives } from "./routes/archives.ts";
import { audit } from "./routes/audit.ts";
import { catalogRoutes } from "./routes/catalog.ts";
import { databases } from "./routes/databases.ts";
import { deadLetters } from "./routes/dead-letters.ts";
import { doctor } from "./routes/doctor.ts";
import { documents } from "./routes/documents.ts";
import { download } from "./routes/download.ts";
import { drills } from "./routes/drills.ts";
import { jobs } from "./routes/jobs.ts";
import { list } from "./routes/list.ts";
import { manifest } from "./routes/manifest.ts";
import { metrics } from "./routes/metrics.ts";
import { preflight } from "./routes/preflight.ts";
import { prunes } from "./routes/prunes.ts";
import { restoreGuideRoute } from "./routes/restore-guide.ts";
import { restores } from "./routes/restores.ts";
import { retention } from "./routes/retention.ts";
import { health, root } from "./routes/root.ts";
import { status } from "./routes/status.ts";
import { thresholds } from "./routes/thresholds.ts";
import { trigger } from "./routes/trigger.ts";
import { verify } from "./routes/verify.ts";

/** What anybody may ask. */
export const OPEN: readonly Operation[] = [root, health];

/** What is for those with a token, or let in by Cloudflare Access. */
export const OPERATIONS: readonly Operation[] = [
  status,
  doctor,
  metrics,
  audit,
  list,
  download,
  manifest,
  restoreGuideRoute,
  restores,
  ...archives,
  ...jobs,
  trigger,
  ...verify,
  ...databases,
  preflight,
  ...deadLetters,
  ...drills,
  ...retention,
  ...prunes,
  ...alerts,
  ...thresholds,
  ...catalogRoutes,
  ...documents(() => [...OPEN, ...OPERATIONS]),
];
