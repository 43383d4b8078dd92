import type { Clock } from '@busbar/model';
import { type AddressRange, type BankAnswer, EXCEPTION, type ModbusBank } from '@busbar/protocol-modbus';
import { type CountingShape, countingValue } from './counting.js';
import type { SimulatedDevice } from './device.js';
import { FaultList } from './faults.js';
import { Journal } from './journal.js';

const SPARE_REGISTERS = 64;

/**
 * A device whose every served value tells device, tag and number of the read. Float32 tag i is registers 2i and 2i+1,
 * holding and input alike; behind the tags 64 spare registers that can be written. The journal has one entry per run of
 * tags that were served whole and with the same number, so that its first value gives all.
 */
class CountingBank implements ModbusBank {
  readonly reads = new Journal();
  readonly writes = new Journal();
  /** Reads of each tag so far. */
  private readonly numbers: Uint32Array;
  private readonly spare = Buffer.alloc(SPARE_REGISTERS * 2);

  constructor(
    private readonly shape: CountingShape,
    private readonly device: number,
    private readonly clock: Clock,
  ) {
    this.numbers = new Uint32Array(shape.tags);
  }

  /** What the last read of the tag gave; before the first, what read 0 would. */
  valueOf(tag: number): number {
    return countingValue(this.shape, { device: this.device, tag, read: this.numbers[tag] ?? 0 });
  }

  readHoldingRegisters(range: AddressRange, out: Buffer): BankAnswer {
    const { address, quantity } = range;
    const tagRegisters = this.shape.tags * 2;
    const end = address + quantity;
    if (end > tagRegisters + SPARE_REGISTERS) return EXCEPTION.illegalAddress;
    let register = address;
    // A block may begin in the middle of a tag: its low word is that of the last read.
    if (register < tagRegisters && register % 2 === 1) this.putHalf(register++, out, 0);
    const firstWhole = register >> 1;
    for (; register + 2 <= end && register < tagRegisters; register += 2) {
      const tag = register >> 1;
      this.numbers[tag] = (this.numbers[tag] ?? 0) + 1;
      out.writeFloatBE(this.valueOf(tag), (register - address) * 2);
    }
    this.noteReads(firstWhole, Math.min(register, tagRegisters) >> 1);
    if (register < end && register < tagRegisters) {
      const tag = register >> 1;
      this.numbers[tag] = (this.numbers[tag] ?? 0) + 1;
      this.putHalf(register, out, register - address);
      register++;
    }
    if (register < end) {
      this.spare.copy(out, (register - address) * 2, (register - tagRegisters) * 2, (end - tagRegisters) * 2);
    }
    return null;
  }

  readInputRegisters(range: AddressRange, out: Buffer): BankAnswer {
    return this.readHoldingRegisters(range, out);
  }

  writeHoldingRegisters({ address, quantity }: AddressRange, octets: Buffer): BankAnswer {
    const first = this.shape.tags * 2;
    if (address < first || address + quantity > first + SPARE_REGISTERS) return EXCEPTION.illegalAddress;
    octets.copy(this.spare, (address - first) * 2);
    const value = quantity === 1 ? octets.readUInt16BE(0) : octets.readFloatBE(0);
    this.writes.add({ tag: address >> 1, count: (quantity + 1) >> 1, value, time: this.clock.wallMs() });
    return null;
  }

  private putHalf(register: number, out: Buffer, at: number): void {
    const whole = Buffer.alloc(4);
    whole.writeFloatBE(this.valueOf(register >> 1), 0);
    whole.copy(out, at * 2, (register % 2) * 2, (register % 2) * 2 + 2);
  }

  private noteReads(first: number, end: number): void {
    const time = this.clock.wallMs();
    for (let start = first; start < end; ) {
      let next = start + 1;
      while (next < end && this.numbers[next] === this.numbers[start]) next++;
      this.reads.add({ tag: start, count: next - start, value: this.valueOf(start), time });
      start = next;
    }
  }
}

/** `d0`, `d1`, ...: one device per endpoint, answering to any unit id. */
export function createCountingDevice(shape: CountingShape, device: number, clock: Clock): SimulatedDevice {
  const bank = new CountingBank(shape, device, clock);
  return {
    id: `d${device}`,
    unit: null,
    bank,
    faults: new FaultList(null),
    reads: 0,
    writes: 0,
    values: () => Object.fromEntries(Array.from({ length: shape.tags }, (_, tag) => [`t${tag}`, bank.valueOf(tag)])),
    journals: { reads: bank.reads, writes: bank.writes },
  };
}
