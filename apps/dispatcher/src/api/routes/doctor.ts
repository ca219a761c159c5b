import * as v from "valibot";
import { diagnose, ENDS, SUBJECTS } from "../../doctor/diagnosis.ts";
import { gatherFacts } from "../../doctor/facts.ts";
import { operation } from "../operation.ts";

const Finding = v.strictObject({
  subject: v.picklist(SUBJECTS),
  name: v.pipe(v.string(), v.description("Which of them: `ADMIN_TOKEN`, `nightly`, `DB_SHOP`.")),
  end: v.picklist(ENDS),
  detail: v.string(),
  next: v.pipe(v.nullable(v.string()), v.description("What to do, when it is not good.")),
});

export const doctor = operation({
  method: "GET",
  path: "/doctor",
  tag: "Service",
  summary: "What is missing in this deployment, as far as its Workers can see",
  description:
    "Secrets, PUBLIC_URL, schedules, bindings, queues, the bucket, channels. Changes nothing; no secret is told, only whether it is set.",
  answer: v.strictObject({ findings: v.array(Finding) }),
  async handle(c) {
    const { auth, vault, channels, preflights, environment } = c.env;
    const facts = await gatherFacts({ auth, vault, channels, preflights, environment, context: c.get("context") });
    return { findings: diagnose(facts) };
  },
});
