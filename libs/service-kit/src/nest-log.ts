import type { LoggerService } from '@nestjs/common';
import type { Logger } from './log.js';

/** Nest's own lines: its start-up chatter as debug, its complaints as they are. */
export class NestLog implements LoggerService {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  log(message: unknown, context?: unknown): void {
    this.#log.debug({ context, detail: String(message) }, 'nest');
  }

  error(message: unknown, stack?: unknown, context?: unknown): void {
    this.#log.error({ context, stack, err: message instanceof Error ? message : undefined }, String(message));
  }

  warn(message: unknown, context?: unknown): void {
    this.#log.warn({ context }, String(message));
  }

  debug(message: unknown, context?: unknown): void {
    this.log(message, context);
  }

  verbose(): void {}

  fatal(message: unknown, context?: unknown): void {
    this.error(message, undefined, context);
  }
}
