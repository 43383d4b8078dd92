import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Addresses of a real broker, given by vitest.cluster.config.ts. */
    readonly brokers: readonly string[];
  }
}
