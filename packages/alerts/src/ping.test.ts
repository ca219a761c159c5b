import fc from "fast-check";
import { expect, test } from "vitest";
import type { AlertEvent } from "./event.ts";
import { pingBody, pingUrl } from "./ping.ts";
import { EVERY_EVENT, failed, reportOf } from "./testing.ts";

const CHECK = "https://hc-ping.example/5a1b2c3d";
const JOB = "nightly-2026-11-20";

async function pinged(event: AlertEvent, url = CHECK): Promise<URL> {
  return new URL(await pingUrl(url, { event }));
}

test("a ping says started, succeeded or failed by the end of its address", async () => {
  const paths = ["job-started", "job-completed", "job-failed"] as const;
  const urls = await Promise.all(paths.map((kind) => pinged({ kind, job: JOB })));
  expect(urls.map(({ pathname }) => pathname)).toEqual(["/5a1b2c3d/start", "/5a1b2c3d", "/5a1b2c3d/fail"]);
  expect((await pinged({ kind: "run-missed", job: JOB, scheduledFor: 0 })).pathname).toBe("/5a1b2c3d/fail");
});

test("a test changes no state of the check", async () => {
  expect((await pinged({ kind: "channel-test", test: "1" })).pathname).toBe("/5a1b2c3d/log");
});

test("the pings of one job have the same run id, a UUID, and those of two jobs do not", async () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const job = fc.stringMatching(/^[a-z0-9-]{1,40}$/);
  await fc.assert(
    fc.asyncProperty(job, job, async (one, other) => {
      const rid = async (name: string, kind: "job-started" | "job-completed") =>
        (await pinged({ kind, job: name })).searchParams.get("rid");
      expect(await rid(one, "job-started")).toMatch(uuid);
      expect(await rid(one, "job-started")).toBe(await rid(one, "job-completed"));
      expect((await rid(one, "job-started")) === (await rid(other, "job-started"))).toBe(one === other);
    }),
  );
});

test("what an address has already is kept, and its last slash is not doubled", async () => {
  const url = await pinged({ kind: "job-failed", job: JOB }, "https://hc.example/ping/key/nightly/?create=1");
  expect(url.pathname).toBe("/ping/key/nightly/fail");
  expect(url.searchParams.get("create")).toBe("1");
});

test.each(EVERY_EVENT)("the body of a ping about $kind is a few lines", (event) => {
  const body = pingBody(reportOf([failed("shop")], { event }));
  expect(body).toContain("production");
  expect(body.length).toBeLessThan(10_000);
});
