import { BROADCAST_ADDRESS, normalizeAddress, WILDCARD_ADDRESS } from './address.js';
import { fromHexHighFirst, toBcd } from './bcd.js';
import { type Edition, functionCode, type MeterFunction } from './control-codes.js';
import { FRAME_LIMITS, type MeterFrame } from './frame.js';
import { refuse, requireInteger } from './refuse.js';

/** A frame to a meter, with what its answer is judged by. */
export interface MeterRequest {
  readonly edition: Edition;
  readonly function: MeterFunction;
  /** Hex digits of the data identifier that the answer repeats, highest octet first; null where it repeats none. */
  readonly identifier: string | null;
  /** Number of the following frame asked for, 1 to 255; null elsewhere (1997 has none). */
  readonly sequence: number | null;
  readonly frame: MeterFrame;
}

/** A meter and an item of it. */
export interface ItemTarget {
  readonly edition: Edition;
  /** 12 digits, AA for any; see `normalizeAddress`. */
  readonly address: string;
  /** 8 hex digits in 2007, 4 in 1997, highest octet first; see `normalizeIdentifier`. */
  readonly identifier: string;
}

const IDENTIFIER_DIGITS: Readonly<Record<Edition, number>> = { '1997': 4, '2007': 8 };

/** Capital hex digits of an identifier, blanks and hyphens left out; null if it is none of this edition. */
export function normalizeIdentifier(edition: Edition, text: string): string | null {
  const digits = text.replaceAll(/[\s-]/g, '').toUpperCase();
  return /^[0-9A-F]*$/.test(digits) && digits.length === IDENTIFIER_DIGITS[edition] ? digits : null;
}

/** The edition whose identifiers have this many hex digits. */
export function editionOfIdentifier(text: string): Edition | null {
  if (normalizeIdentifier('2007', text) !== null) return '2007';
  return normalizeIdentifier('1997', text) === null ? null : '1997';
}

interface RequestParts {
  readonly edition: Edition;
  readonly address: string;
  readonly function: MeterFunction;
  readonly data: Uint8Array;
  readonly identifier?: string;
  readonly sequence?: number;
}

function build(parts: RequestParts): MeterRequest {
  const control = functionCode(parts.edition, parts.function);
  if (control === null) refuse(`${parts.function} in the edition of ${parts.edition}`);
  const address = normalizeAddress(parts.address);
  if (address === null) refuse(`address ${parts.address} (12 digits, or AA for any)`);
  return {
    edition: parts.edition,
    function: parts.function,
    identifier: parts.identifier ?? null,
    sequence: parts.sequence ?? null,
    frame: { address, control, data: parts.data },
  };
}

function requireIdentifier({ edition, identifier }: ItemTarget): string {
  const digits = normalizeIdentifier(edition, identifier);
  return digits ?? refuse(`data identifier ${identifier} (${IDENTIFIER_DIGITS[edition]} hex digits)`);
}

/** Reads an item (§7.1). Throws FRAME_INVALID for an address or identifier that is none. */
export function readRequest(target: ItemTarget): MeterRequest {
  const identifier = requireIdentifier(target);
  return build({ ...target, function: 'read', identifier, data: fromHexHighFirst(identifier) });
}

/**
 * Reads the next frame of an item whose answer said that more follow (§7.2).
 * @param sequence 1 to 255; the edition of 1997 has no number and ignores it.
 */
export function readFollowingRequest(target: ItemTarget, sequence: number): MeterRequest {
  const identifier = requireIdentifier(target);
  const octets = fromHexHighFirst(identifier);
  const { edition, address } = target;
  if (edition === '1997') return build({ edition, address, function: 'read-following', identifier, data: octets });
  requireInteger('number of the following frame', sequence, { min: 1, max: 255 });
  const data = Uint8Array.of(...octets, sequence);
  return build({ edition, address, function: 'read-following', identifier, sequence, data });
}

/** Asks the only meter on the line, edition 2007, for its address (§7.4). The edition of 1997 reads an item with AA. */
export function readAddressRequest(): MeterRequest {
  return build({
    edition: '2007',
    address: WILDCARD_ADDRESS,
    function: 'read-address',
    data: new Uint8Array(0),
  });
}

/** A calendar time as the meter's clock shows it. */
export interface MeterClock {
  /** 2000 to 2099. */
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Sets the clocks of all meters on the line (§7.7); nobody answers. Throws FRAME_INVALID for a time that is none. */
export function setClockRequest(edition: Edition, clock: MeterClock): MeterRequest {
  requireInteger('year', clock.year, { min: 2000, max: 2099 });
  requireInteger('month', clock.month, { min: 1, max: 12 });
  requireInteger('day', clock.day, { min: 1, max: daysOfMonth(clock.year, clock.month) });
  requireInteger('hour', clock.hour, { min: 0, max: 23 });
  requireInteger('minute', clock.minute, { min: 0, max: 59 });
  requireInteger('second', clock.second, { min: 0, max: 59 });
  const parts = [clock.second, clock.minute, clock.hour, clock.day, clock.month, clock.year - 2000];
  return build({ edition, address: BROADCAST_ADDRESS, function: 'set-clock', data: Uint8Array.from(parts, toBcd) });
}

/** Days of a month, 1 to 12. */
export function daysOfMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** When to freeze; what is left out is every one: without all, at once. */
export interface FreezeTime {
  readonly month?: number;
  readonly day?: number;
  readonly hour?: number;
  readonly minute?: number;
}

/** Freezes the registers of a meter, or by the broadcast address of all (§7.8); edition 2007 only. */
export function freezeRequest(address: string, time: FreezeTime = {}): MeterRequest {
  const octet = (name: string, value: number | undefined, max: number, min = 0) => {
    if (value === undefined) return 0x99;
    requireInteger(name, value, { min, max });
    return toBcd(value);
  };
  const data = Uint8Array.of(
    octet('minute', time.minute, 59),
    octet('hour', time.hour, 23),
    octet('day', time.day, 31, 1),
    octet('month', time.month, 12, 1),
  );
  return build({ edition: '2007', address, function: 'freeze', data });
}

/** Octets of an item, and who writes them. */
export interface ItemWrite {
  /** As the meter means them, lowest first. */
  readonly data: Uint8Array;
  /** Level and three octets of password, as sent: PA P0 P1 P2. Edition 2007 needs it, meters of 1997 partly. */
  readonly password?: Uint8Array;
  /** Operator code C0 to C3, edition 2007; zeros by default. */
  readonly operator?: Uint8Array;
}

/**
 * Writes an item of one meter (§7.3). Throws FRAME_INVALID for a wildcard or broadcast address, for a password or
 * operator of another length than 4 octets, and for more than 50 octets of data field.
 */
export function writeItemRequest(target: ItemTarget, write: ItemWrite): MeterRequest {
  const identifier = requireIdentifier(target);
  const { edition, address } = target;
  const digits = normalizeAddress(address);
  if (digits === null || !/^\d{12}$/.test(digits) || digits === BROADCAST_ADDRESS)
    refuse(`a write to ${address} (the whole address of one meter)`);
  if (edition === '2007' && write.password === undefined) refuse('a write without password (4 octets)');
  const operator = write.operator ?? (edition === '2007' ? new Uint8Array(4) : undefined);
  if (edition === '1997' && operator !== undefined) refuse('an operator code in the edition of 1997');
  for (const [name, octets] of [
    ['password', write.password],
    ['operator code', operator],
  ] as const) {
    if (octets !== undefined && octets.length !== 4) refuse(`a ${name} of ${octets.length} octets (4)`);
  }
  const lead = [...fromHexHighFirst(identifier), ...(write.password ?? []), ...(operator ?? [])];
  const data = Uint8Array.of(...lead, ...write.data);
  if (write.data.length === 0 || data.length > FRAME_LIMITS.writeDataOctets)
    refuse(`${write.data.length} octets to write (1 to ${FRAME_LIMITS.writeDataOctets - lead.length})`);
  // A write is answered without data, so there is no identifier to judge by.
  return build({ edition, address, function: 'write', data });
}
