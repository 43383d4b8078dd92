import type { ErrorCode, ErrorParams } from '@busbar/errors';
import { LIMITS } from './limits.js';
import type { Place } from './place.js';
import type { Finding } from './result.js';

const WARNINGS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SELECTOR_EMPTY',
  'UNIT_UNKNOWN',
  'DEVICE_EMPTY',
  'TAG_TWICE',
  'TAG_UNMAPPED',
  'FORWARD_MOVED',
  'FORWARD_PRECISION',
]);

interface Entry {
  readonly code: ErrorCode;
  readonly place: Place;
  readonly params: ErrorParams;
  instances: number;
}

export interface Details {
  readonly params: ErrorParams;
  /**
   * Tells apart two findings of one code at one place, for example two missing fields of one entity.
   * Anything without a mark of its own there is another instance of the first.
   */
  readonly mark?: string;
  readonly instances?: number;
}

/** Collects findings: what one line does to many instances is one finding with their number. */
export class Report {
  readonly #entries = new Map<string, Entry>();
  #errors = 0;

  add(code: ErrorCode, place: Place, params: ErrorParams): void {
    this.record(code, place, { params });
  }

  record(code: ErrorCode, place: Place, { params, mark = '', instances = 1 }: Details): void {
    const key = `${code} ${place.key} ${mark}`;
    const known = this.#entries.get(key);
    if (known) {
      known.instances += instances;
      return;
    }
    const isError = !WARNINGS.has(code);
    if (isError) this.#errors += 1;
    if (this.#entries.size < LIMITS.findings) this.#entries.set(key, { code, place, params, instances });
    else if (isError) this.#replaceWarning(key, { code, place, params, instances });
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  /** By file, line and column. */
  findings(): readonly Finding[] {
    const findings = [...this.#entries.values()].map(
      ({ code, place, params, instances }): Finding => ({
        severity: WARNINGS.has(code) ? 'warning' : 'error',
        code,
        params,
        file: place.file,
        ...place.position(),
        instances,
      }),
    );
    const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
    return findings.sort((a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column);
  }

  /** An error is never left out for a warning. */
  #replaceWarning(key: string, entry: Entry): void {
    for (const [other, { code }] of this.#entries) {
      if (!WARNINGS.has(code)) continue;
      this.#entries.delete(other);
      this.#entries.set(key, entry);
      return;
    }
  }
}
