import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: "quick", include: ["test/**/*.test.ts", "property-tests/**/*.property.ts"] },
      },
      {
        extends: true,
        test: {
          name: "long",
          include: ["test/**/*.long.ts", "property-tests/**/*.long.ts"],
          testTimeout: 900_000,
        },
      },
    ],
  },
});
