import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const migrations = await readD1Migrations("packages/catalog/migrations");

/** Milliseconds. Ends what hangs; a busy machine is slow, not wrong. */
const TEST_TIMEOUT = 120_000;

export default defineConfig({
  test: {
    reporters: ["default", "./tests/closing-line.ts"],
    silent: "passed-only",
    // By default one core stays idle, which is half of a small machine.
    maxWorkers: "100%",
    projects: [
      {
        // Pure packages, the command, and the project itself: Node.
        test: {
          name: "node",
          testTimeout: TEST_TIMEOUT,
          include: [
            "packages/{core,messages,dump,archive,alerts}/src/**/*.test.ts",
            "apps/cli/src/**/*.test.ts",
            "tests/{corpus,compare,contract,dump,infra,property}/**/*.test.ts",
          ],
        },
      },
      {
        // Everything that runs in a Worker: inside workerd, with its real D1, R2 and queues.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./tests/workerd/wrangler.toml" },
            miniflare: { bindings: { MIGRATIONS: migrations } },
          }),
        ],
        test: {
          name: "workerd",
          testTimeout: TEST_TIMEOUT,
          include: [
            "packages/{catalog,worker}/src/**/*.test.ts",
            "apps/{dispatcher,exporter,aggregator,archiver}/src/**/*.test.ts",
            "tests/drills/**/*.test.ts",
          ],
        },
      },
      {
        // The command, bundled as it is published, as a person uses it.
        test: {
          name: "cli",
          include: ["tests/{cli,docs}/**/*.test.ts"],
          globalSetup: ["tests/cli/build.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // All Workers together, as the local run starts them.
        test: {
          name: "system",
          include: ["tests/{architecture,system}/**/*.test.ts"],
          testTimeout: TEST_TIMEOUT,
          hookTimeout: 120_000,
        },
      },
      {
        // The dashboard in Chromium, over the local run.
        test: {
          name: "browser",
          include: ["tests/browser/**/*.test.ts"],
          testTimeout: TEST_TIMEOUT,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
