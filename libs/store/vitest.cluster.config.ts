import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.cluster-spec.ts'],
    provide: { databaseUrl: process.env.BUSBAR_DATABASE_URL ?? '' },
  },
});
