import { defineConfig } from 'vitest/config';

// Generous, for a busy machine: a test that hangs fails all the same.
export default defineConfig({
  test: { include: ['**/src/**/*.spec.ts', '**/src/**/*.spec.tsx'], testTimeout: 30_000, hookTimeout: 30_000 },
});
