import type { SampleWriter, WriteCommand } from '@busbar/driver-sdk';
import { GOOD, type Quality } from '@busbar/model';
import { decodeValue, encodeValue, type ModbusRequest, readCoil, readNumber } from '@busbar/protocol-modbus';
import type { ModbusAddress } from './address.js';
import type { ModbusDevice } from './connection.js';
import { BIT, formatOf, type PlannedRead } from './plan.js';

const NO_TIME = Number.NaN;

/** Puts every value of an answer. @param octets the data of the answer, as many as the request asks for. */
export function decodeAnswer(request: PlannedRead, octets: Uint8Array, out: SampleWriter): void {
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

function decodeFormatted(request: PlannedRead, item: number, octets: Uint8Array, out: SampleWriter): void {
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
export function putBad(request: PlannedRead, quality: Quality, out: SampleWriter): void {
  for (const tag of request.tags) out.put(tag, Number.NaN, quality, NO_TIME);
}

export interface WriteOrder {
  readonly unit: number;
  readonly request: ModbusRequest;
}

/** The write of a command; null if its value is none of the tag. */
export function encodeWrite(command: WriteCommand<ModbusDevice, ModbusAddress>): WriteOrder | null {
  const { table, offset: address, bits } = command.address;
  const unit = command.device.unitId;
  if (bits || command.count > 1) return null;
  const multiple = command.writeMode === 'multiple';
  if (table === 'coil') {
    const state = Number(command.value);
    if (state !== 0 && state !== 1) return null;
    if (!multiple) return { unit, request: { fc: 5, address, on: state === 1 } };
    return { unit, request: { fc: 15, address, quantity: 1, octets: Uint8Array.of(state) } };
  }
  if (table !== 'holding') return null;
  const octets = encodeValue(formatOf(command), command.value);
  if (octets === null) return null;
  const quantity = octets.length / 2;
  if (quantity === 1 && !multiple) {
    return { unit, request: { fc: 6, address, value: ((octets[0] as number) << 8) | (octets[1] as number) } };
  }
  return command.writeMode === 'single' ? null : { unit, request: { fc: 16, address, quantity, octets } };
}
