import { inject } from 'vitest';
import { describeBrokerKills } from '../scenarios/broker-kills.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** How long brokers are killed. */
    seconds: number;
  }
}

describeBrokerKills({ forMs: inject('seconds') * 1_000, everyMs: 30_000, awayMs: 10_000 });
