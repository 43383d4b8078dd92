import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on standard output; times are ISO 8601. */
export function createLogger(name: string, level: string): Logger {
  return pino({
    name,
    level,
    base: { service: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
