import { WorkerEntrypoint } from "cloudflare:workers";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { catalogFailure } from "@patina/catalog/failure";
import { preflight } from "@patina/dump/preflight";
import type { Preflights as Port, PreflightAnswer } from "@patina/worker/preflights";
import type { ExporterEnv } from "./consume.ts";
import { d1Source } from "./d1-source.ts";
import { type ExportContext, findSource } from "./export-task.ts";
import { redactionKeyOf, rulesOf } from "./rules.ts";

/** What the dispatcher may ask about databases. See packages/worker/src/preflights.ts. */
export class Preflights extends WorkerEntrypoint<ExporterEnv> implements Port {
  /** @param database may not be registered */
  async preflight(database: string): Promise<PreflightAnswer> {
    const open = () => openCatalog(this.env.CATALOG);
    return await preflightOf(database, { open, bindings: { ...this.env }, hasKey: await this.hasRedactionKey() });
  }

  async hasRedactionKey(): Promise<boolean> {
    return redactionKeyOf(this.env.REDACTION_KEY) !== null;
  }
}

/** Looks at a registered database as an export of it would. */
export async function preflightOf(
  name: string,
  { open, bindings, hasKey }: Pick<ExportContext, "bindings"> & { open: () => Promise<Catalog>; hasKey: boolean },
): Promise<PreflightAnswer> {
  try {
    const { entry, database } = await findSource(name, { catalog: await open(), bindings });
    return { end: "looked", preflight: await preflight(d1Source(name, database), { rules: rulesOf(entry), hasKey }) };
  } catch (thrown) {
    const { code, message } = catalogFailure(thrown);
    return { end: "refused", code, message };
  }
}
