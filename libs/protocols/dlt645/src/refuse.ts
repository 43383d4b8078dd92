import { BusbarError } from '@busbar/errors';

/** What we build ourselves and no frame can carry is a defect of the caller; foreign octets never come here. */
export function refuse(reason: string): never {
  throw new BusbarError('FRAME_INVALID', { protocol: 'DL/T 645', reason });
}

export function requireInteger(
  name: string,
  value: number,
  range: { readonly min: number; readonly max: number },
): void {
  if (!Number.isInteger(value) || value < range.min || value > range.max) {
    refuse(`${name} ${value} (${range.min} to ${range.max})`);
  }
}
