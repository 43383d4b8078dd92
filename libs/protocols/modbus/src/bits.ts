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
