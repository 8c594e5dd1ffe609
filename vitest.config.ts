import { defineConfig } from "vitest/config";

const everyTest = "**/*.test.ts";

/**
 * Three tiers. `unit`: beside the files it is about, in seconds. `server`: beside the server's files, with real PostgreSQL, in a minute.
 * `system`: in `tests/`, with real peers, in minutes.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [`packages/${everyTest}`, `apps/agent/${everyTest}`, `bench/${everyTest}`],
          // Small files share what they import: a third of the time. Nothing in them outlives its own file.
          isolate: false,
          // A second alone may be ten beside other work: this says when something hangs.
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      { test: { name: "server", include: [`apps/server/${everyTest}`], hookTimeout: 60_000, testTimeout: 60_000 } },
      {
        test: {
          name: "system",
          include: [`tests/${everyTest}`],
          globalSetup: "tests/support/s3-server/global-setup.ts",
          // Real programs on two busy cores: this says when something hangs, not when it is slow.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
