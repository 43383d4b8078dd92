import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['e2e/standalone/**/*.e2e.ts', 'e2e/files/**/*.e2e.ts'],
    testTimeout: 120_000,
    // Size of the large file that is collected; the whole judgment takes 2048.
    env: { BUSBAR_TEST_FILE_MIB: process.env.BUSBAR_TEST_FILE_MIB || '512' },
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
