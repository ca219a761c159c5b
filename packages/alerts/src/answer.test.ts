import { expect, test } from "vitest";
import { readAnswer } from "./answer.ts";

function read(status: number, { retryAfter = null, body = "" }: { retryAfter?: string | null; body?: string } = {}) {
  return readAnswer(status, { retryAfter, body });
}

test("readAnswer() accepts every 2xx", () => {
  for (const status of [200, 202, 204]) expect(read(status)).toEqual({ end: "accepted" });
});

test("readAnswer() waits as long as a 429 says, in its header or in Discord's body", () => {
  expect(read(429, { retryAfter: "7" })).toMatchObject({ end: "later", afterSeconds: 7 });
  expect(read(429, { body: '{"message":"You are being rate limited.","retry_after":0.65}' })).toMatchObject({
    end: "later",
    afterSeconds: 1,
  });
  expect(read(429)).toMatchObject({ end: "later", afterSeconds: null });
  expect(read(429, { retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT" })).toMatchObject({ afterSeconds: null });
});

test("readAnswer() tries again after what may pass", () => {
  for (const status of [500, 502, 503, 504, 408, 425]) expect(read(status)).toMatchObject({ end: "later" });
});

test("readAnswer() gives up on refusals and follows no redirect", () => {
  for (const status of [400, 401, 403, 404, 410]) expect(read(status)).toMatchObject({ end: "refused" });
  expect(read(302)).toEqual({ end: "refused", reason: "HTTP 302: redirects are not followed" });
});
