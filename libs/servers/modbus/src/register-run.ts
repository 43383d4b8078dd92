/** Addresses of one area that follow each other without a break: what is asked within it is answered. */
export class RegisterRun {
  /** First address, and the one behind the last. */
  readonly first: number;
  readonly end: number;
  readonly isBit: boolean;
  /** As on the wire: registers high octet first, or bits packed from the lowest. */
  readonly octets: Uint8Array;
  /** By address from `first`: the slot whose value stands there; -1 for places without one. */
  readonly slotAt: Int32Array;
  /** Some of its places differ by client. */
  hasResults = false;

  constructor(span: { readonly first: number; readonly end: number }, isBit: boolean) {
    this.first = span.first;
    this.end = span.end;
    this.isBit = isBit;
    const places = span.end - span.first;
    this.octets = new Uint8Array(isBit ? (places + 7) >> 3 : places * 2);
    this.slotAt = new Int32Array(places).fill(-1);
  }

  holds(address: number, quantity: number): boolean {
    return address >= this.first && address + quantity <= this.end;
  }
}

export interface Span {
  readonly first: number;
  readonly end: number;
}

/** Spans that touch or overlap become one, by address. */
export function mergedSpans(spans: readonly Span[]): Span[] {
  const merged: { first: number; end: number }[] = [];
  for (const { first, end } of [...spans].sort((a, b) => a.first - b.first)) {
    const last = merged.at(-1);
    if (last && first <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ first, end });
  }
  return merged;
}
