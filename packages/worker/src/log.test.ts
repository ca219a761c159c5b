import { expect, test, vi } from "vitest";
import { createLog } from "./log.ts";

const SECRET = "s3cr3t-value";

/** Everything that a Worker's console was given while `act` ran. */
function captured(act: () => void): { method: string; entry: unknown }[] {
  const entries: { method: string; entry: unknown }[] = [];
  const spies = (["log", "warn", "error", "debug"] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation((entry: unknown) => {
      entries.push({ method, entry });
    }),
  );
  act();
  for (const spy of spies) spy.mockRestore();
  return entries;
}

test("createLog() never lets a secret through, at the root, nested or in a child", () => {
  const entries = captured(() => {
    const log = createLog("test");
    log.info({ token: SECRET, authorization: SECRET }, "root");
    log.info({ request: { token: SECRET, headers: { authorization: SECRET, deep: { password: SECRET } } } }, "nested");
    log.child({ channel: "discord", url: SECRET, nested: { secret: SECRET } }).warn({ webhook: SECRET }, "child");
    log
      .child({})
      .child({ token: SECRET })
      .error({ a: { b: { c: { url: SECRET } } } }, "grandchild");
  });
  expect(entries).toHaveLength(4);
  expect(JSON.stringify(entries)).not.toContain(SECRET);
  expect(JSON.stringify(entries)).toContain("[redacted]");
  expect(entries[2]?.entry).toMatchObject({ channel: "discord", url: "[redacted]", message: "child" });
});

test("createLog() gives one object a line and the level as the console's method", () => {
  const entries = captured(() => {
    const log = createLog("exporter");
    log.info({ database: "shop" }, "Export started");
    log.warn("careful");
    log.error("broken");
  });
  expect(entries.map(({ method }) => method)).toEqual(["log", "warn", "error"]);
  expect(entries[0]?.entry).toEqual({ level: 30, worker: "exporter", database: "shop", message: "Export started" });
});

test("createLog() tells of an error its name, code and message, but neither cause nor stack", () => {
  const error = Object.assign(new Error("Cannot read"), { code: "source_failed", cause: new Error(SECRET) });
  const [line] = captured(() => createLog("test").error({ error }, "failed"));
  expect(line?.entry).toMatchObject({ error: { name: "Error", code: "source_failed", message: "Cannot read" } });
  expect(JSON.stringify(line)).not.toContain(SECRET);
});
