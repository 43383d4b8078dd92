import { type Asdu, CAUSE, causeName } from '@busbar/protocol-iec104';

/** What a station says to a request, or why it will say nothing more. */
export type Answer =
  | { readonly kind: 'confirmed' | 'terminated' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'timeout' }
  /** The link that carried it is gone. */
  | { readonly kind: 'lost' };

function answerOf({ cause, isNegative }: Asdu): Answer | null {
  if (cause >= CAUSE.unknownType && cause <= CAUSE.unknownObjectAddress)
    return { kind: 'refused', reason: causeName(cause) };
  if (cause !== CAUSE.activationConfirmation && cause !== CAUSE.activationTermination) return null;
  if (isNegative) return { kind: 'refused', reason: `negative ${causeName(cause)}` };
  return { kind: cause === CAUSE.activationConfirmation ? 'confirmed' : 'terminated' };
}

/** One request under way: the answers that mirror it, in order, each within the time-out after the one before. */
export class Exchange {
  readonly #sent: Asdu;
  readonly #timeoutMs: number;
  #answers: Answer[] = [];
  #waiting: ((answer: Answer) => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #touches = 0;

  /** An interrogation: values that come keep it alive. */
  readonly isRound: boolean;

  constructor(sent: Asdu, timeoutMs: number, isRound: boolean) {
    this.#sent = sent;
    this.isRound = isRound;
    this.#timeoutMs = timeoutMs;
  }

  get commonAddress(): number {
    return this.#sent.commonAddress;
  }

  /** True if it was an answer to this: same type, station, object, value and qualifier; a time tag may differ. */
  take(asdu: Asdu): boolean {
    const sent = this.#sent;
    const isSame =
      asdu.type === sent.type &&
      asdu.commonAddress === sent.commonAddress &&
      asdu.count === 1 &&
      asdu.isTest === sent.isTest &&
      asdu.address(0) === sent.address(0);
    if (!isSame) return false;
    const length = sent.layout.timeAt < 0 ? sent.layout.elementOctets : sent.layout.timeAt;
    const [theirs, ours] = [asdu.element(0), sent.element(0)];
    for (let i = 0; i < length; i++) if (theirs[i] !== ours[i]) return false;
    const answer = answerOf(asdu);
    if (answer === null) return false;
    this.#push(answer);
    return true;
  }

  /** The station is at it: the time-out counts from now. */
  touch(): void {
    this.#touches++;
    this.#timer?.refresh();
  }

  lose(): void {
    this.#push({ kind: 'lost' });
  }

  #push(answer: Answer): void {
    const waiting = this.#waiting;
    if (waiting === null) {
      this.#answers.push(answer);
      return;
    }
    this.#waiting = null;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    waiting(answer);
  }

  /** Never rejects; one at a time. */
  next(): Promise<Answer> {
    const answer = this.#answers.shift();
    if (answer !== undefined) return Promise.resolve(answer);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#timer = setTimeout(() => {
        // After a stall an answer may be there, unread.
        const touches = this.#touches;
        setImmediate(() => {
          if (this.#waiting === resolve && this.#touches === touches) this.#push({ kind: 'timeout' });
        });
      }, this.#timeoutMs);
    });
  }
}
