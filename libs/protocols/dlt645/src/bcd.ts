/** Two decimal digits of an octet, or -1 if it holds none. */
export function fromBcd(octet: number): number {
  const high = octet >> 4;
  const low = octet & 0x0f;
  return high > 9 || low > 9 ? -1 : high * 10 + low;
}

/** The octet of 0 to 99. */
export function toBcd(value: number): number {
  return (Math.floor(value / 10) << 4) | (value % 10);
}

/** Hex digits of octets that stand lowest first, printed highest first and in capitals. */
export function hexHighFirst(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) text = octet.toString(16).padStart(2, '0') + text;
  return text.toUpperCase();
}

/** The inverse of {@link hexHighFirst}; the text holds pairs of hex digits. */
export function fromHexHighFirst(text: string): Uint8Array {
  const count = text.length / 2;
  return Uint8Array.from({ length: count }, (_, i) =>
    Number.parseInt(text.slice((count - 1 - i) * 2, (count - i) * 2), 16),
  );
}
