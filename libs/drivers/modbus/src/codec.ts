import type { SampleWriter, WriteCommand } from '@busbar/driver-sdk';
import { GOOD, type Quality } from '@busbar/model';
import { decodeValue, encodeValue, readCoil, readNumber } from '@busbar/protocol-modbus';
import type { ModbusAddress } from './address.js';
import type { ModbusDevice } from './connection.js';
import { BIT, formatOf, type ModbusRequest } from './plan.js';

const NO_TIME = Number.NaN;

/** Puts every value of an answer. @param octets the data of the answer, as many as the request asks for. */
export function decodeAnswer(request: ModbusRequest, octets: Uint8Array, out: SampleWriter): void {
  const { tags, kinds, at, formats } = request.items;
  const isBit = request.fc <= 2;
  for (let i = 0; i < tags.length; i++) {
    const tag = tags[i] as number;
    const kind = kinds[i] as number;
    if (kind >= 0) out.put(tag, readNumber(kind, octets, at[i] as number), GOOD, NO_TIME);
    else if (kind === BIT) out.put(tag, readCoil(octets, 0, at[i] as number), GOOD, NO_TIME);
    else if (isBit) {
      const count = formats[i]?.count ?? 1;
      const from = at[i] as number;
      out.putArray(
        tag,
        Array.from({ length: count }, (_, k) => readCoil(octets, 0, from + k)),
        GOOD,
        NO_TIME,
      );
    } else decodeFormatted(request, i, octets, out);
  }
}

function decodeFormatted(request: ModbusRequest, item: number, octets: Uint8Array, out: SampleWriter): void {
  const { tags, at, formats } = request.items;
  const format = formats[item];
  if (!format) return;
  const tag = tags[item] as number;
  const value = decodeValue(format, octets, at[item] as number);
  if (typeof value === 'number') out.put(tag, value, GOOD, NO_TIME);
  else if (typeof value === 'string') out.putText(tag, value, GOOD, NO_TIME);
  else if (typeof value === 'bigint') out.putInt64(tag, value, GOOD, NO_TIME);
  else out.putArray(tag, value, GOOD, NO_TIME);
}

/** Every tag of the request as bad. */
export function putBad(request: ModbusRequest, quality: Quality, out: SampleWriter): void {
  for (const tag of request.tags) out.put(tag, Number.NaN, quality, NO_TIME);
}

export type WriteOrder = { readonly unit: number; readonly address: number } & (
  | { readonly fc: 5; readonly on: boolean }
  | { readonly fc: 6; readonly value: number }
  | { readonly fc: 15; readonly states: boolean[] }
  | { readonly fc: 16; readonly values: number[] }
);

/** The write of a command; null if its value is none of the tag. */
export function encodeWrite(command: WriteCommand<ModbusDevice, ModbusAddress>): WriteOrder | null {
  const { table, offset, bits } = command.address;
  const to = { unit: command.device.unitId, address: offset };
  if (bits || command.count > 1) return null;
  const multiple = command.writeMode === 'multiple';
  if (table === 'coil') {
    const state = Number(command.value);
    if (state !== 0 && state !== 1) return null;
    return multiple ? { ...to, fc: 15, states: [state === 1] } : { ...to, fc: 5, on: state === 1 };
  }
  if (table !== 'holding') return null;
  const octets = encodeValue(formatOf(command), command.value);
  if (octets === null) return null;
  const values = Array.from(
    { length: octets.length / 2 },
    (_, i) => ((octets[i * 2] as number) << 8) | (octets[i * 2 + 1] as number),
  );
  if (values.length > 1 || multiple) return command.writeMode === 'single' ? null : { ...to, fc: 16, values };
  return { ...to, fc: 6, value: values[0] as number };
}
