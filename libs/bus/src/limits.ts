/** Limits that both buses share (runtime contracts, section 2). */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;
export const MAX_DELIVERIES = 4;
export const MAX_DELIVERY_BYTES = 1024 * 1024;
export const STOP_WAIT_MS = 5_000;
export const COMMIT_INTERVAL_MS = 1_000;

/** What a record costs while it waits: its octets and the object around them. */
export function recordBytes(key: string, value: Uint8Array | null): number {
  return key.length + (value === null ? 0 : value.byteLength) + 64;
}
