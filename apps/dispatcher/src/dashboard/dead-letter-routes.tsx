import { letterInbox } from "@patina/catalog/letter-inbox";
import { Hono } from "hono";
import { type Dashboard, show } from "./app.tsx";
import { DeadLettersPage } from "./dead-letters.tsx";

/** Letters that the inbox shows. */
const SHOWN = 100;

export function deadLetterRoutes() {
  return new Hono<Dashboard>().get("/dead-letters", async (c) => {
    const letters = await letterInbox(c.get("context").catalog, SHOWN);
    return show(c, <DeadLettersPage frame={c.get("frame")} letters={letters} />);
  });
}
