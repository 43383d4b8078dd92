import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { describeBus } from '../bus-contract.js';
import { openKafkaBus } from './kafka-bus.js';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const CLOCK = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

describeBus('the bus on Kafka', async () => {
  const prefix = `t${randomUUID().slice(0, 8)}.`;
  return {
    open: () => openKafkaBus({ brokers: inject('brokers'), clientId: 'contract', clock: CLOCK, log: SILENT, prefix }),
    dispose: async () => undefined,
  };
});
