import kafkajs, { type Admin, type Kafka, type KafkaConfig, type RetryOptions } from 'kafkajs';
import { patchCoordinator, patchFetch } from './consumer-group-patch.js';
import { patchIdleTimer } from './timer-patch.js';

export const SESSION_MS = 6_000;
export const HEARTBEAT_MS = 1_000;
export const MAX_WAIT_MS = 500;

/** Without `retry` given, kafkajs takes other values under NODE_ENV=test; with 5 retries an outage loses sends. */
export const RETRY: RetryOptions = { retries: 100_000, initialRetryTime: 100, maxRetryTime: 1_000 };

/** Says nothing itself: what matters comes as an error or an event, and is said once. */
const CLIENT = { connectionTimeout: 3_000, logLevel: kafkajs.logLevel.NOTHING };

/** Where the brokers are, who asks, and how the connections are secured. */
export interface KafkaAccess extends Pick<KafkaConfig, 'ssl' | 'sasl' | 'socketFactory'> {
  readonly clientId: string;
  /** `host:port` each. */
  readonly brokers: readonly string[];
}

export function createClient(access: KafkaAccess): Kafka {
  patchIdleTimer();
  patchCoordinator();
  patchFetch();
  return new kafkajs.Kafka({ ...CLIENT, ...access, brokers: [...access.brokers], retry: RETRY });
}

/** For attempts that are made anew by their caller: gives up when every broker was tried, or when one no longer answers. */
export function createReadingClient(access: KafkaAccess): Kafka {
  patchIdleTimer();
  const brokers = [...access.brokers];
  const retry: RetryOptions = { retries: brokers.length, initialRetryTime: 50, maxRetryTime: 200 };
  return new kafkajs.Kafka({ ...CLIENT, ...access, brokers, requestTimeout: 10_000, retry });
}

/** Waits for a promise, but not longer; true if it ended. Its own failure counts as an end. */
export async function settledWithin(promise: Promise<unknown>, waitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  const ended = promise.then(
    () => true,
    () => true,
  );
  const isEnded = await Promise.race([ended, late]);
  clearTimeout(timer);
  return isEnded;
}

/** Waits so long, or until the signal is given. */
export function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

const ADMIN_WAIT_MS = 20_000;
const ADMIN_RETRY_MS = 100;

/** Asks again while the answer is one of a broker that is not so far: kafkajs' admin does not, for offsets. */
export async function retryAdmin<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (const giveUpAt = performance.now() + ADMIN_WAIT_MS; ; ) {
    try {
      return await ask();
    } catch (error) {
      if ((error as { retriable?: boolean }).retriable !== true || performance.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, ADMIN_RETRY_MS));
    }
  }
}

export type { Admin, Kafka };
