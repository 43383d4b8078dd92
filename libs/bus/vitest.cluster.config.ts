import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { hasDocker, hasProgram } from '../../tools/servers/spawned.mjs';

const brokers = process.env.BUSBAR_KAFKA_BROKERS;
if (!brokers) throw new Error('Give the address of a Kafka broker by BUSBAR_KAFKA_BROKERS.');

const root = join(import.meta.dirname, '../..');
const OUTAGE = 'src/kafka/kafka-outage.cluster-spec.ts';
/** The outage needs a broker of its own, to kill. */
const canStartBroker =
  hasDocker() || (hasProgram('java') && (hasProgram('mvn') || existsSync(join(root, '.cache', 'kafka-4.1.1'))));
if (!canStartBroker) process.stdout.write(`Left out for want of Docker or Java: ${OUTAGE}\n`);

export default defineConfig({
  test: {
    include: ['src/**/*.cluster-spec.ts'],
    exclude: canStartBroker ? [] : [OUTAGE],
    provide: { brokers: brokers.split(',') },
    // So that a spec that starts a broker gets one of its own.
    env: { BUSBAR_KAFKA_BROKERS: '' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
