import type { AddressFormat, AddressProblem, TagShape } from '@busbar/driver-sdk';
import { canRead, canWrite, type TagType } from '@busbar/model';

interface Family {
  /** Type identifications without time, with CP24, with CP56; of a command without and with time. */
  readonly ids: readonly number[];
  /** The first is the one of a tag that states none. */
  readonly types: readonly TagType[];
}

/** What the objects of a station are called in addresses (IEC 60870-5-101 §7.3). */
export const FAMILIES = {
  M_SP: { ids: [1, 2, 30], types: ['bool', 'uint8'] },
  M_DP: { ids: [3, 4, 31], types: ['uint8', 'bool'] },
  M_ST: { ids: [5, 6, 32], types: ['int8', 'int16', 'int32'] },
  M_BO: { ids: [7, 8, 33], types: ['uint32'] },
  M_ME: { ids: [9, 10, 34, 11, 12, 35, 13, 14, 36, 21], types: ['float32', 'float64', 'int16', 'int32'] },
  M_IT: { ids: [15, 16, 37], types: ['int32', 'float64'] },
  M_EP: { ids: [17, 38, 18, 39, 19, 40], types: ['uint8'] },
  M_PS: { ids: [20], types: ['uint16', 'uint32'] },
  C_SC: { ids: [45, 58], types: ['bool', 'uint8'] },
  C_DC: { ids: [46, 59], types: ['bool', 'uint8'] },
  C_RC: { ids: [47, 60], types: ['bool', 'uint8'] },
  C_SE_NA: { ids: [48, 61], types: ['float32', 'float64'] },
  C_SE_NB: { ids: [49, 62], types: ['int16'] },
  C_SE_NC: { ids: [50, 63], types: ['float32'] },
  C_BO: { ids: [51, 64], types: ['uint32'] },
} as const satisfies Record<string, Family>;

export type Iec104Family = keyof typeof FAMILIES;

export interface Iec104Address {
  readonly family: Iec104Family;
  /** Information object address, 0 to 16777215. */
  readonly ioa: number;
}

const FAMILY_OF: readonly (Iec104Family | undefined)[] = Array.from({ length: 128 }, (_, id) =>
  (Object.keys(FAMILIES) as Iec104Family[]).find((name) => (FAMILIES[name].ids as readonly number[]).includes(id)),
);

/** The family of a type identification; undefined for requests, parameters, files and what nobody knows. */
export function familyOf(typeId: number): Iec104Family | undefined {
  return FAMILY_OF[typeId];
}

export function isCommand(family: Iec104Family): boolean {
  return family.startsWith('C_');
}

/** How a command is given: words of `writeMode`. */
export interface CommandMode {
  readonly isSelect: boolean;
  /** QU (IEC 60870-5-101 §7.2.6.26). */
  readonly qualifier: 0 | 1 | 2 | 3;
}

const PULSES: Readonly<Record<string, 1 | 2 | 3>> = { 'short-pulse': 1, 'long-pulse': 2, persistent: 3 };

/** Null for words that mean nothing. */
export function parseMode(text: string | undefined): CommandMode | null {
  let isSelect = false;
  let qualifier: CommandMode['qualifier'] = 0;
  for (const word of (text ?? '').split(/[\s+]+/).filter((part) => part !== '')) {
    const pulse = Object.hasOwn(PULSES, word) ? PULSES[word] : undefined;
    if (pulse !== undefined) qualifier = pulse;
    else if (word === 'select') isSelect = true;
    else if (word !== 'direct') return null;
  }
  return { isSelect, qualifier };
}

const FORM = /^([a-z]_[a-z]{2}(?:_[a-z]{2})?):(\d+|0x[0-9a-f]+)$/i;
const MOST = 0xff_ffff;
const HOW = `Write ${Object.keys(FAMILIES).join(', ')} and the object address, like M_ME:16385.`;

function wrong(reason: string): { readonly problem: AddressProblem } {
  return { problem: { code: 'TAG_ADDRESS', reason, fix: HOW } };
}

/** Object addresses are those of the wire whatever a table counts from. */
export function parseAddress(text: string): Iec104Address | { readonly problem: AddressProblem } {
  const match = FORM.exec(text.trim());
  const family = match?.[1]?.toUpperCase() ?? '';
  if (!match || !Object.hasOwn(FAMILIES, family)) return wrong(`${text} is no address of IEC 104`);
  const ioa = Number(match[2]);
  if (ioa > MOST) return wrong(`${match[2]} is out of range, 0 to ${MOST}`);
  return { family: family as Iec104Family, ioa };
}

function problem(code: AddressProblem['code'], reason: string, fix: string): AddressProblem {
  return { code, reason, fix };
}

function checkMode(family: Iec104Family, tag: TagShape): AddressProblem | null {
  const mode = parseMode(tag.writeMode);
  if (mode === null) {
    const fix = 'Use direct or select, and short-pulse, long-pulse or persistent.';
    return problem('TAG_ACCESS', `${tag.writeMode} is no way to write`, fix);
  }
  if (mode.isSelect && family === 'C_BO') return problem('TAG_ACCESS', 'a bitstring has no select', 'Use direct.');
  if (mode.qualifier !== 0 && !['C_SC', 'C_DC', 'C_RC'].includes(family)) {
    return problem('TAG_ACCESS', `a ${family} has no pulse`, 'Use direct or select.');
  }
  return null;
}

function check({ family }: Iec104Address, tag: TagShape): AddressProblem | null {
  const types: readonly TagType[] = FAMILIES[family].types;
  if (tag.type !== undefined && !types.includes(tag.type)) {
    return problem('TAG_TYPE', `a ${family} is no ${tag.type}`, `Use ${types.join(', ')}, or leave the type out.`);
  }
  if (tag.count > 1) return problem('TAG_TYPE', 'an object is no array', 'Use one tag per object.');
  if (tag.length !== undefined) return problem('TAG_LENGTH', 'an object has no length', 'Leave it out.');
  if (!isCommand(family)) {
    return canWrite(tag.access) ? problem('TAG_ACCESS', `a ${family} is only read`, 'Write to a C_ address.') : null;
  }
  if (canRead(tag.access)) return problem('TAG_ACCESS', `a ${family} is only written`, 'Use access w.');
  return checkMode(family, tag);
}

export const iec104Address: AddressFormat<Iec104Address> = {
  examples: ['M_SP:1', 'M_DP:2', 'M_ST:3', 'M_BO:4', 'M_ME:16385', 'M_IT:25601', 'M_EP:30', 'M_PS:40'].concat([
    'C_SC:24577',
    'C_DC:24578',
    'C_RC:24579',
    'C_SE_NA:25089',
    'C_SE_NB:25090',
    'C_SE_NC:25091',
    'C_BO:25100',
  ]),
  parse: (text) => parseAddress(text),
  format: ({ family, ioa }) => `${family}:${ioa}`,
  check,
};
