import type { WriteCommand } from '@busbar/driver-sdk';
import {
  type AsduSettings,
  CAUSE,
  DOUBLE_COMMAND,
  encodeAsdu,
  type InformationObject,
  timeZone,
  toTimeTag,
} from '@busbar/protocol-iec104';
import { FAMILIES, type Iec104Address, parseMode } from './address.js';
import type { Iec104Device, Iec104Quirks } from './connection.js';

export type Iec104Command = WriteCommand<Iec104Device, Iec104Address, Iec104Quirks>;

/** What the encoder must know of the link. */
export interface CommandFrame {
  readonly settings: AsduSettings;
  readonly originator: number;
  /** Epoch ms, for commands with time. */
  readonly nowMs: number;
}

/** Double commands and steps know 1 and 2 alone; 0 and 3 are not permitted (IEC 60870-5-101 §7.2.6.16). */
function wireValue({ address, value }: Iec104Command): number | null {
  const number = Number(value);
  switch (address.family) {
    case 'C_SC':
      return number === 0 || number === 1 ? number : null;
    case 'C_DC':
    case 'C_RC':
      if (typeof value === 'boolean') return value ? DOUBLE_COMMAND.on : DOUBLE_COMMAND.off;
      return number === 1 || number === 2 ? number : null;
    default:
      return typeof value === 'boolean' || typeof value === 'string' ? null : number;
  }
}

/** The octets of a command, or the reason why there are none: it cannot be carried exactly. */
export function encodeCommand(
  command: Iec104Command,
  isSelect: boolean,
  frame: CommandFrame,
): Uint8Array | { readonly reason: string } {
  const { address, device, quirks, writeMode, type } = command;
  const mode = parseMode(writeMode);
  // A bool tag of a double command may come as 0 and 1, which are no states of it.
  const isBool = type === 'bool' || (type === undefined && typeof command.value === 'boolean');
  const value = wireValue(isBool ? { ...command, value: Number(command.value) !== 0 } : command);
  const ids: readonly number[] = FAMILIES[address.family].ids;
  if (mode === null || value === null) return { reason: 'the value is none of this tag' };
  const object: InformationObject = {
    address: address.ioa,
    value,
    ...(address.family === 'C_BO' ? {} : { qualifier: mode.qualifier, isSelect }),
    ...(quirks.commandTime ? { time: toTimeTag(frame.nowMs, timeZone(device.timezone)) } : {}),
  };
  const head = { cause: CAUSE.activation, commonAddress: device.ca, originator: frame.originator };
  try {
    return encodeAsdu({ type: ids[quirks.commandTime ? 1 : 0] as number, ...head, objects: [object] }, frame.settings);
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}
