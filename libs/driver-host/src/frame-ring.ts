import type { FrameDirection } from '@busbar/driver-sdk';

const MOST_FRAMES = 256;
const MOST_BYTES = 65536;
const FIRST_BYTES = 1024;

export interface Frame {
  readonly direction: FrameDirection;
  /** Epoch ms. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** The last frames of a connection, always kept: at most 256 and 64 KiB. Grows with use, so an idle link costs little. */
export class FrameRing {
  #bytes = new Uint8Array(0);
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];
  readonly #times: number[] = [];
  readonly #sent: boolean[] = [];
  #head = 0;
  #first = 0;
  #count = 0;
  #used = 0;

  get count(): number {
    return this.#count;
  }

  push(direction: FrameDirection, frame: Uint8Array, atMs: number): void {
    const length = Math.min(frame.length, MOST_BYTES);
    while (this.#count === MOST_FRAMES || this.#used + length > MOST_BYTES) this.#drop();
    if (this.#used + length > this.#bytes.length) this.#grow(this.#used + length);
    const slot = (this.#first + this.#count) % MOST_FRAMES;
    this.#starts[slot] = this.#head;
    this.#lengths[slot] = length;
    this.#times[slot] = atMs;
    this.#sent[slot] = direction === 'sent';
    const bytes = this.#bytes;
    const room = bytes.length - this.#head;
    if (length <= room) bytes.set(length === frame.length ? frame : frame.subarray(0, length), this.#head);
    else {
      bytes.set(frame.subarray(0, room), this.#head);
      bytes.set(frame.subarray(room, length), 0);
    }
    this.#head = (this.#head + length) % bytes.length;
    this.#used += length;
    this.#count++;
  }

  /** Oldest first; copies. */
  read(): Frame[] {
    return Array.from({ length: this.#count }, (_, i) => {
      const slot = (this.#first + i) % MOST_FRAMES;
      return {
        direction: this.#sent[slot] ? 'sent' : 'received',
        atMs: this.#times[slot] as number,
        bytes: this.#copy(this.#starts[slot] as number, this.#lengths[slot] as number),
      };
    });
  }

  #drop(): void {
    this.#used -= this.#lengths[this.#first] as number;
    this.#first = (this.#first + 1) % MOST_FRAMES;
    this.#count--;
  }

  #copy(start: number, length: number): Uint8Array {
    const copy = new Uint8Array(length);
    const room = Math.min(length, this.#bytes.length - start);
    copy.set(this.#bytes.subarray(start, start + room));
    copy.set(this.#bytes.subarray(0, length - room), room);
    return copy;
  }

  #grow(needed: number): void {
    let capacity = Math.max(FIRST_BYTES, this.#bytes.length);
    while (capacity < needed) capacity *= 2;
    const bytes = new Uint8Array(capacity);
    let at = 0;
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#first + i) % MOST_FRAMES;
      const length = this.#lengths[slot] as number;
      bytes.set(this.#copy(this.#starts[slot] as number, length), at);
      this.#starts[slot] = at;
      at += length;
    }
    this.#bytes = bytes;
    this.#head = at % capacity;
  }
}
