import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['e2e/cluster/**/*.e2e.ts'], testTimeout: 300_000, hookTimeout: 180_000, fileParallelism: false },
});
