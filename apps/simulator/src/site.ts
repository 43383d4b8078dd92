import type { Clock } from '@busbar/model';
import { type AddressRange, type BankAnswer, EXCEPTION, type ModbusBank } from '@busbar/protocol-modbus';
import type { SimulatedDevice } from './device.js';
import { FaultList } from './faults.js';
import type { Inverter, Meter, Plant } from './plant.js';
import { RegisterImage, type SimulatedTag } from './register-image.js';

const STATE_RUNNING = 512;
const STATE_STANDBY = 0;
const LIMIT = 40_125;
const RESTART = 40_200;

function inverterTags(inverter: Inverter): readonly SimulatedTag[] {
  const dcKw = () => inverter.powerKw / 0.98;
  return [
    { id: 'alarm1', address: 32_008, type: 'uint16', scale: 1, value: () => 0 },
    { id: 'serial', address: 30_015, type: 'text', scale: 1, value: () => inverter.serial },
    { id: 'p_pv1', address: 32_064, type: 'int32', scale: 0.001, value: () => dcKw() * 0.515 },
    { id: 'p_pv2', address: 32_066, type: 'int32', scale: 0.001, value: () => dcKw() * 0.485 },
    { id: 'p_ac', address: 32_080, type: 'int32', scale: 0.001, value: () => inverter.powerKw },
    { id: 'q_ac', address: 32_082, type: 'int32', scale: 0.001, value: () => inverter.powerKw * 0.05 },
    { id: 't_cab', address: 32_087, type: 'int16', scale: 0.1, value: () => 28 + inverter.powerKw * 0.18 },
    {
      id: 'state_raw',
      address: 32_089,
      type: 'uint16',
      scale: 1,
      value: () => (inverter.isRunning ? STATE_RUNNING : STATE_STANDBY),
    },
    { id: 'e_total', address: 32_106, type: 'uint32', scale: 0.01, value: () => inverter.energyKwh },
    { id: 'limit', address: LIMIT, type: 'uint16', scale: 0.1, value: () => inverter.limitPercent },
  ];
}

/**
 * A string inverter. Blocks within 30000..32999 and 40100..40209 are answered, registers between the tags with 0, as
 * real inverters do; 32120..32130 and the rest answer exception 2. Writable: limit (0 to 1000) and restart (1).
 */
function inverterBank(image: RegisterImage, inverter: Inverter): ModbusBank {
  return {
    readHoldingRegisters: (range, out) => image.read(range, out),
    writeHoldingRegisters({ address, quantity }: AddressRange, octets: Buffer): BankAnswer {
      if (quantity !== 1 || (address !== LIMIT && address !== RESTART)) return EXCEPTION.illegalAddress;
      const value = octets.readUInt16BE(0);
      if (address === LIMIT) return inverter.setLimit(value) ? null : EXCEPTION.illegalValue;
      if (value !== 1) return EXCEPTION.illegalValue;
      inverter.restart();
      return null;
    },
  };
}

function meterTags(meter: Meter): readonly SimulatedTag[] {
  return [
    { id: 'ua', address: 0, type: 'float32', scale: 1, value: () => meter.voltage },
    { id: 'p', address: 12, type: 'float32', scale: 1, value: () => meter.powerKw },
    { id: 'e_fwd', address: 72, type: 'float32', scale: 1, value: () => meter.importKwh },
    { id: 'e_rev', address: 74, type: 'float32', scale: 1, value: () => meter.exportKwh },
  ];
}

/** Every access sees the plant as of now. */
function upToDate(bank: ModbusBank, advance: () => void): ModbusBank {
  const { readHoldingRegisters, readInputRegisters, writeHoldingRegisters } = bank;
  const fresh = <In extends readonly unknown[], Out>(call: ((...input: In) => Out) | undefined) =>
    call &&
    ((...input: In): Out => {
      advance();
      return call(...input);
    });
  return {
    readHoldingRegisters: fresh(readHoldingRegisters),
    readInputRegisters: fresh(readInputRegisters),
    writeHoldingRegisters: fresh(writeHoldingRegisters),
  };
}

export interface Site {
  /** Behind one endpoint, unit ids 1 to 4. */
  readonly inverters: readonly SimulatedDevice[];
  /** Unit 1 of an endpoint of its own; answers within input registers 0..79. */
  readonly meter: SimulatedDevice;
}

/** Registers in front of the plant: `inv-01` to `inv-04` and `mtr-01`. */
export function createSite(plant: Plant, clock: Clock): Site {
  const advance = () => plant.advanceTo(clock.monotonicMs());
  const device = (input: { id: string; unit: number; image: RegisterImage; bank: ModbusBank }): SimulatedDevice => ({
    id: input.id,
    unit: input.unit,
    bank: upToDate(input.bank, advance),
    faults: new FaultList(input.unit),
    reads: 0,
    writes: 0,
    values: () => {
      advance();
      return input.image.values();
    },
  });
  const inverters = plant.inverters.map((inverter) => {
    const image = new RegisterImage(
      inverterTags(inverter),
      [
        { first: 30_000, count: 3_000 },
        { first: 40_100, count: 110 },
      ],
      { first: 32_120, count: 11 },
    );
    const id = `inv-0${inverter.number}`;
    return device({ id, unit: inverter.number, image, bank: inverterBank(image, inverter) });
  });
  const image = new RegisterImage(meterTags(plant.meter), [{ first: 0, count: 80 }]);
  const bank: ModbusBank = { readInputRegisters: (range, out) => image.read(range, out) };
  return { inverters, meter: device({ id: 'mtr-01', unit: 1, image, bank }) };
}
