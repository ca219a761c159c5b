import { VERSION } from "@patina/core/version";
import * as v from "valibot";
import { isConfigured } from "../auth.ts";
import { operation } from "../operation.ts";

const State = v.picklist(["ok", "not configured"]);

/** Says what this is and whether it can serve: with /healthz the only thing that anybody may see. */
export const root = operation({
  method: "GET",
  path: "/",
  tag: "Service",
  summary: "What this is",
  needs: null,
  answer: v.strictObject({ service: v.literal("patina"), version: v.string(), status: State }),
  async handle(c) {
    return { service: "patina" as const, version: VERSION, status: stateOf(c.env.auth) };
  },
});

/** Asks nothing of the catalog: anybody may call it, as often as they like. */
export const health = operation({
  method: "GET",
  path: "/healthz",
  tag: "Service",
  summary: "Whether the Worker answers",
  description: "Says nothing about the backups: that is /status.",
  needs: null,
  answer: v.strictObject({ status: State }),
  async handle(c) {
    return { status: stateOf(c.env.auth) };
  },
});

function stateOf(auth: Parameters<typeof isConfigured>[0]): v.InferOutput<typeof State> {
  return isConfigured(auth) ? "ok" : "not configured";
}
