import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { BusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import { systemClock } from './clock.js';
import { failureText } from './failure.js';
import { createLogger, type Logger } from './log.js';
import { readSettings, type Settings, settingsHelp } from './settings.js';

/**
 * A batch is arrays outside V8's heap, and V8 counts them against the room that it left after its last collection. On a
 * heap of 60 MB it leaves 24 MB by itself and marks nearly all the time; with half the heap it marks rarely (ADR 0008).
 */
const HEAP_GROWING = '--heap-growing-percent=50';

/** After a signal the process has this long to end in order. */
const STOP_MS = 10_000;

export interface ProcessKit {
  readonly settings: Settings;
  readonly log: Logger;
  readonly clock: Clock;
  /** A line for the person at the terminal. */
  announce(line: string): void;
}

export interface Running {
  stop(): Promise<void>;
}

/**
 * Runs a program: `--help`, settings, log, signals, exit code. A failing start says why in one sentence and exits
 * with 1; SIGINT and SIGTERM stop in order within 10 s; a second signal exits at once.
 */
export async function runProcess(name: string, start: (kit: ProcessKit) => Promise<Running>): Promise<void> {
  setFlagsFromString(HEAP_GROWING);
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(`${settingsHelp(name)}\n`);
    return;
  }
  const fail = (error: unknown): never => {
    process.stderr.write(`${name}: ${failureText(error)}\n`);
    process.exit(1);
  };
  const prepared = prepare(name, fail);
  const { log } = prepared;
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unexpected'));
  // In a later turn: the signals are heard before anything starts.
  const starting = Promise.resolve(prepared).then(start);
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.warn('did not end in time');
      process.exit(1);
    }, STOP_MS).unref();
    // A start under way is awaited, so that what it opened is closed in order.
    starting
      .then((running) => running.stop())
      .then(
        () => process.exit(0),
        (error) => {
          log.error({ err: error }, 'stopping failed');
          process.exit(1);
        },
      );
  };
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('SIGTERM', () => stop('SIGTERM'));
  await starting.catch(fail);
}

function prepare(name: string, fail: (error: unknown) => never): ProcessKit {
  try {
    const settings = readSettings(process.env);
    const announce = (line: string) => process.stdout.write(`${line}\n`);
    return { settings, log: createLogger(name, settings.log), clock: systemClock(), announce };
  } catch (error) {
    return fail(error);
  }
}

/** Makes the folder and proves that it can be written; DATA_NOT_WRITABLE says which and why. */
export function prepareFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
    const probe = join(path, `.writable-${process.pid}`);
    writeFileSync(probe, '');
    unlinkSync(probe);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new BusbarError('DATA_NOT_WRITABLE', { path, reason }, { cause });
  }
}
