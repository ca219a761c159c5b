import { expect, test } from "vitest";
import { askingScratch, TooMuch } from "./asking-scratch.ts";

function failing(message: string) {
  return askingScratch(() => Promise.reject(new Error(message)));
}

test.each([
  "Durable Object exceeded its CPU time limit and was reset.",
  "Durable Object's isolate exceeded its memory limit and was reset.",
  "A call to blockConcurrencyWhile() in a Durable Object waited for too long. The call was canceled and the Durable Object was reset.",
])("what the platform stopped is not tried again: %s", async (message) => {
  await expect(failing(message)).rejects.toBeInstanceOf(TooMuch);
});

test.each(["Network connection lost.", "Durable Object reset because its code was updated.", "internal error"])(
  "what may go better next time is tried again: %s",
  async (message) => {
    await expect(failing(message)).rejects.toMatchObject({ code: "scratch_unavailable" });
  },
);
