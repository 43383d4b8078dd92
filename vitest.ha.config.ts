import { defineConfig } from 'vitest/config';

const seconds = Number(process.env.BUSBAR_TEST_HA_SECONDS || '300');

export default defineConfig({
  test: {
    include: ['e2e/ha/**/*.e2e.ts'],
    provide: { seconds },
    testTimeout: seconds * 1_000 + 300_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});
