import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { patina } from "./command.ts";

test.each(["bash", "zsh", "fish", "powershell"])("patina completion prints a script for %s", async (shell) => {
  const { exit, out, err } = await patina(["completion", shell]);
  expect({ exit, err }).toEqual({ exit: 0, err: "" });
  expect(out).toMatch(/patina.*complete/s);
  if (shell === "bash") expect(spawnSync("bash", ["-n"], { input: out }).status).toBe(0);
});

test("commands, options and the values of options are completed", async () => {
  const complete = async (...words: string[]) => (await patina(["complete", "--", ...words])).out;
  expect(await complete("re")).toContain("restore\t");
  expect(await complete("restore", "--ta")).toContain("--table\t");
  expect(await complete("restore", "--check", "")).toMatch(/^full\t\nquick\t\n/);
});

test("a shell that there is not is refused with 2", async () => {
  expect(await patina(["completion", "cmd"])).toMatchObject({ exit: 2, out: "" });
});
