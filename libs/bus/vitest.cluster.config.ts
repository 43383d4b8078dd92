import { defineConfig } from 'vitest/config';

const brokers = process.env.BUSBAR_KAFKA_BROKERS;
if (!brokers) throw new Error('Give the address of a Kafka broker by BUSBAR_KAFKA_BROKERS.');

export default defineConfig({
  test: {
    include: ['src/**/*.cluster-spec.ts'],
    provide: { brokers: brokers.split(',') },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
