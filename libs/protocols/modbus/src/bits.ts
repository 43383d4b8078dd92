/** Bit `index` of packed coils: the lowest bit of the first octet is bit 0 (Modbus Application Protocol §6.1). */
export function bitAt(octets: Uint8Array, index: number): boolean {
  return (((octets[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

/** Sets bit `index`; beyond the end it does nothing. */
export function setBit(octets: Uint8Array, index: number, on: boolean): void {
  const at = index >> 3;
  if (at >= octets.length) return;
  const mask = 1 << (index & 7);
  octets[at] = on ? (octets[at] ?? 0) | mask : (octets[at] ?? 0) & ~mask;
}

/** Copies `count` bits from bit `from` on into `target` from its bit 0; the rest of its last octet is zeros. */
export function copyBits(
  octets: Uint8Array,
  run: { readonly from: number; readonly count: number },
  target: Uint8Array,
) {
  const { from, count } = run;
  const first = from >> 3;
  const shift = from & 7;
  const length = (count + 7) >> 3;
  for (let i = 0; i < length; i++) {
    const pair = (octets[first + i] ?? 0) | ((octets[first + i + 1] ?? 0) << 8);
    target[i] = (pair >> shift) & 0xff;
  }
  const rest = count & 7;
  if (rest > 0) target[length - 1] = (target[length - 1] as number) & ((1 << rest) - 1);
}
