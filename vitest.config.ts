import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "pure",
          include: ["packages/{core,messages,dump,archive,alerts}/src/**/*.test.ts"],
        },
      },
    ],
  },
});
