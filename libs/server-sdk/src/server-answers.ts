import type { End, Rule } from '@busbar/events';
import type { ServerDecision } from './control-port.js';

/** What is known of a command when it is answered; `pending`: granted or undecided at the server's limit. */
export type ServerOutcome = End | Exclude<ServerDecision, { kind: 'granted' }> | { readonly kind: 'pending' };

/** Exceptions of the Modbus Application Protocol V1.1b3 §7 that a command may get. */
const [ADDRESS, VALUE, FAILURE, ACKNOWLEDGE, BUSY, SILENT] = [2, 3, 4, 5, 6, 11];

const MODBUS: Record<Rule, number> = {
  UNKNOWN_POINT: ADDRESS,
  NOT_CONTROLLABLE: ADDRESS,
  READ_ONLY: ADDRESS,
  NOT_BUILT: ADDRESS,
  NOT_ALLOWED: ADDRESS,
  TYPE: VALUE,
  RANGE: VALUE,
  STEP: VALUE,
  ID_REUSED: FAILURE,
  TOO_OLD: FAILURE,
  CLOCK: FAILURE,
  RETAINED: FAILURE,
  NOT_CONNECTED: SILENT,
  MAINTENANCE: FAILURE,
  LOCAL: FAILURE,
  NOT_SELECTED: FAILURE,
  MISMATCH: FAILURE,
  SELECTED: BUSY,
  HELD: BUSY,
  NOT_HELD: BUSY,
  BUSY: BUSY,
  SUPERSEDED: BUSY,
  INTERLOCK: FAILURE,
  STALE_FEEDBACK: FAILURE,
  RATE: BUSY,
  CANCELED: FAILURE,
  RESTARTED: BUSY,
};
/** The field reads exception 3 as a wrong value, the specification as a malformed request: sites choose. */
const RANGE_RULES: ReadonlySet<Rule> = new Set(['RANGE', 'STEP']);

/** The exception that answers a write over Modbus, null for a normal reply (control.md 8). */
export function modbusAnswer(outcome: ServerOutcome, rangeException: 3 | 4 = 3): number | null {
  switch (outcome.kind) {
    case 'executed':
      return null;
    case 'pending':
      return ACKNOWLEDGE as number;
    case 'unanswered':
      return BUSY as number;
    case 'refused':
      return RANGE_RULES.has(outcome.rule) ? rangeException : MODBUS[outcome.rule];
    case 'expired':
    case 'unknown':
      return SILENT as number;
    case 'failed':
      return FAILURE as number;
  }
}

export interface Iec104Answer {
  /**
   * To a command that was not confirmed yet: an actcon with its P/N, a deactcon, or the request mirrored with cause 47
   * (unknown object address, IEC 60870-5-101 §7.2.3). `none`: nothing may be said.
   */
  readonly confirmation: 'positive' | 'negative' | 'deactivated' | 'unknown-address' | 'none';
  /** The actterm after a positive confirmation. */
  readonly termination: 'positive' | 'negative' | 'none';
  /** The command had an effect: its feedback goes out as return information (cause 11). */
  readonly returnsInformation: boolean;
}

const NEGATIVE: Iec104Answer = { confirmation: 'negative', termination: 'negative', returnsInformation: false };
const IEC104_SPECIAL: Partial<Record<Rule, Iec104Answer>> = {
  UNKNOWN_POINT: { ...NEGATIVE, confirmation: 'unknown-address' },
  NOT_CONTROLLABLE: { ...NEGATIVE, confirmation: 'unknown-address' },
  READ_ONLY: { ...NEGATIVE, confirmation: 'unknown-address' },
  NOT_BUILT: { ...NEGATIVE, confirmation: 'unknown-address' },
  CANCELED: { ...NEGATIVE, confirmation: 'deactivated' },
};

/** How an outcome is said over IEC 60870-5-104 (control.md 8). */
export function iec104Answer(outcome: ServerOutcome): Iec104Answer {
  switch (outcome.kind) {
    case 'executed':
      return { confirmation: 'positive', termination: 'positive', returnsInformation: true };
    case 'pending':
      return { confirmation: 'positive', termination: 'none', returnsInformation: false };
    case 'unanswered':
    case 'expired':
      return NEGATIVE;
    case 'refused':
      return IEC104_SPECIAL[outcome.rule] ?? NEGATIVE;
    case 'failed':
      return { ...NEGATIVE, returnsInformation: outcome.effect === 'written' };
    case 'unknown':
      // Bytes may have arrived: whoever hears a termination would believe it.
      return { confirmation: 'none', termination: 'none', returnsInformation: false };
  }
}
