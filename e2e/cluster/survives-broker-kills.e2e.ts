import { describeBrokerKills } from '../scenarios/broker-kills.js';

// One kill; `npm run test:ha` goes on for minutes.
describeBrokerKills({ forMs: 20_000, everyMs: 20_000, awayMs: 8_000 });
