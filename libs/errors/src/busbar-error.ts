import type { ErrorEntry, RetryClass } from './catalog.js';
import { ERRORS, type ErrorCode } from './codes.js';

export type ErrorParams = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** A diagnosis travels as code and parameters, never as prose: each reader words it in its language. */
export interface Diagnosis {
  readonly code: ErrorCode;
  readonly params: ErrorParams;
}

function fill(text: string, params: ErrorParams): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}

export function errorSentence(code: ErrorCode, params: ErrorParams = {}): string {
  return fill(ERRORS[code].sentence, params);
}

export function errorFix(code: ErrorCode, params: ErrorParams = {}): string {
  return fill(ERRORS[code].fix, params);
}

/** An error of the catalog: `message` is sentence and fix; `cause` is kept. */
export class BusbarError extends Error {
  override readonly name = 'BusbarError';
  readonly code: ErrorCode;
  readonly params: ErrorParams;

  constructor(code: ErrorCode, params: ErrorParams = {}, options?: { readonly cause?: unknown }) {
    super(`${errorSentence(code, params)} ${errorFix(code, params)}`, options);
    this.code = code;
    this.params = params;
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }

  get retry(): RetryClass {
    return ERRORS[this.code].retry;
  }

  get diagnosis(): Diagnosis {
    return { code: this.code, params: this.params };
  }
}

export function isBusbarError(error: unknown, code?: ErrorCode): error is BusbarError {
  return error instanceof BusbarError && (code === undefined || error.code === code);
}
