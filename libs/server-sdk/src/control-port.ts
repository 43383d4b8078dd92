import type { ControlValue, End, Rule } from '@busbar/events';

/** One command of a master, in units of the point: the server has undone its own scaling. */
export interface ServerWish {
  readonly act: 'select' | 'operate' | 'cancel';
  /** Name of the master in the configuration, and its link: a selection belongs to both (control.md 5.5). */
  readonly client: string;
  readonly link: string;
  /** Several are decided all or none and written in this order (Modbus FC 16 over several points). */
  readonly items: readonly { readonly slot: number; readonly value: ControlValue }[];
  /** Only judged, never written: the test bit of IEC 60870-5-101 §7.2.3. */
  readonly isTest: boolean;
  /** What the protocol says beside the value (type and QU); an operate repeats that of its select. At most 64 characters. */
  readonly qualifier?: string;
  /** Of a command with a time tag, epoch ms. */
  readonly sourceMs?: number;
}

export type ServerDecision =
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly rule: Rule }
  /** Not decided at the limit, and it may still be carried out: it waits behind another write. */
  | { readonly kind: 'pending' }
  /** The bus is away, or it expired undecided: it is not carried out. */
  | { readonly kind: 'unanswered' };

export interface ServerSubmission {
  /** Within 2 s; never rejects. A selection and a test end with it. */
  readonly decided: Promise<ServerDecision>;
  /** The one end of the command; never rejects; `unknown` when nobody can say. */
  readonly ended: Promise<End>;
}

/** Commands of masters on their way to the arbiter. */
export interface ControlPort {
  submit(wish: ServerWish): ServerSubmission;
  /** Its selections end. */
  linkLost(link: string): void;
}
