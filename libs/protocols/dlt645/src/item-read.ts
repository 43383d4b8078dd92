import { type Answer, judgeAnswer } from './answer.js';
import type { MeterFrame } from './frame.js';
import { type ItemTarget, type MeterRequest, readFollowingRequest, readRequest } from './requests.js';

/** Following frames of one item; edition 2007 counts them 1 to 255 (§7.2). */
const MAX_FOLLOWING = 255;

export type ReadStep =
  /** Our own octets or those of others: wait on. */
  | Extract<Answer, { kind: 'echo' | 'foreign' }>
  /** Send this next. */
  | { readonly kind: 'more'; readonly request: MeterRequest }
  | {
      readonly kind: 'done';
      readonly address: string;
      /** Of all frames, without identifiers and numbers. */
      readonly data: Uint8Array;
    }
  | Extract<Answer, { kind: 'error' }>
  /** The meter goes on without end. */
  | { readonly kind: 'endless' };

/**
 * One item read from its first request to its last following frame. After a silence start a new one: in the edition of
 * 1997 frames carry no number, so that a late one could be taken for the next.
 */
export class ItemRead {
  /** What waits for an answer now. */
  request: MeterRequest;
  private readonly parts: Uint8Array[] = [];
  private isOver = false;

  /** Throws FRAME_INVALID for an address or identifier that is none. */
  constructor(private target: ItemTarget) {
    this.request = readRequest(target);
  }

  /** Once it gave `done`, `error` or `endless`, every frame is foreign. */
  take(frame: MeterFrame): ReadStep {
    if (this.isOver) return { kind: 'foreign', reason: 'request' };
    const answer = judgeAnswer(this.request, frame);
    if (answer.kind === 'error') this.isOver = true;
    if (answer.kind !== 'data') return answer;
    this.parts.push(answer.data);
    // Whoever answered first goes on; a second meter behind a wildcard must not add its octets.
    this.target = { ...this.target, address: answer.address };
    if (!answer.hasMore) {
      this.isOver = true;
      return { kind: 'done', address: answer.address, data: joined(this.parts) };
    }
    if (this.parts.length > MAX_FOLLOWING) {
      this.isOver = true;
      return { kind: 'endless' };
    }
    this.request = readFollowingRequest(this.target, this.parts.length);
    return { kind: 'more', request: this.request };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
