import { discardDeadLetter } from "@patina/catalog/dead-letters";
import { letterInbox } from "@patina/catalog/letter-inbox";
import { PatinaError } from "@patina/core/error";
import { type Context, Hono } from "hono";
import * as v from "valibot";
import { replay, replayMatching } from "../replay.ts";
import { type Dashboard, show } from "./app.tsx";
import { DeadLettersPage } from "./dead-letters.tsx";

/** Letters that the inbox shows. */
const SHOWN = 100;

const Discarding = v.object({ reason: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(500)) });

export function deadLetterRoutes() {
  return new Hono<Dashboard>()
    .get("/dead-letters", async (c) => {
      const letters = await letterInbox(c.get("context").catalog, SHOWN);
      return show(c, <DeadLettersPage frame={c.get("frame")} letters={letters} />);
    })
    .post("/dead-letters/replay", async (c) => {
      await replayMatching({}, { ...c.get("context"), actor: actorOf(c) });
      return c.redirect("/dashboard/dead-letters", 303);
    })
    .post("/dead-letters/:id/replay", async (c) => {
      const [letter] = await replay([c.req.param("id")], { ...c.get("context"), actor: actorOf(c) });
      if (letter?.end === "refused") {
        throw new PatinaError("conflict", `Cannot replay this dead letter: ${letter.reason}`);
      }
      if (letter?.end !== "replayed") throw new PatinaError("not_found", "Cannot find this dead letter");
      return c.redirect(letter.job === null ? "/dashboard/dead-letters" : `/dashboard/jobs/${letter.job}`, 303);
    })
    .post("/dead-letters/:id/discard", async (c) => {
      const form = v.safeParse(Discarding, await c.req.parseBody());
      if (!form.success) {
        throw new PatinaError("invalid_request", "Cannot discard this dead letter: say why, in at most 500 characters");
      }
      const { catalog, clock } = c.get("context");
      const { reason } = form.output;
      await discardDeadLetter(catalog, { id: c.req.param("id"), reason, actor: actorOf(c), now: clock() });
      return c.redirect("/dashboard/dead-letters", 303);
    });
}

function actorOf(c: Context<Dashboard>) {
  return { name: c.get("principal").name, request: c.get("request") };
}
