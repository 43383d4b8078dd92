import { type AddressRange, type BankAnswer, EXCEPTION } from '@busbar/protocol-modbus';

export type RegisterType = 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'text';

/** One tag of a simulated device: registers high octet and high word first (ABCD). */
export interface SimulatedTag {
  readonly id: string;
  readonly address: number;
  readonly type: RegisterType;
  /** Engineering unit per raw step. */
  readonly scale: number;
  readonly value: () => number | string;
}

/** From `first` on, `count` registers: what is asked within is answered, registers without a tag with 0. */
export interface RegisterWindow {
  readonly first: number;
  readonly count: number;
}

/** The readable registers of a device, filled anew from its tags before each read. */
export class RegisterImage {
  private readonly windows: readonly { readonly first: number; readonly octets: Buffer }[];

  constructor(
    private readonly tags: readonly SimulatedTag[],
    windows: readonly RegisterWindow[],
    private readonly forbidden: RegisterWindow = { first: 0, count: 0 },
  ) {
    this.windows = windows.map(({ first, count }) => ({ first, octets: Buffer.alloc(count * 2) }));
  }

  /** Beyond the windows, or touching a forbidden register: exception 2. */
  read({ address, quantity }: AddressRange, out: Buffer): BankAnswer {
    const window = this.windowOf(address, quantity);
    const { first, count } = this.forbidden;
    if (window === undefined || (address < first + count && first < address + quantity))
      return EXCEPTION.illegalAddress;
    for (const tag of this.tags) this.put(tag);
    window.octets.copy(out, 0, (address - window.first) * 2, (address - window.first + quantity) * 2);
    return null;
  }

  /** As a client decodes them: rounded to the step of the register. */
  values(): Record<string, number | string> {
    const entries = this.tags.map(({ id, type, scale, value }) => {
      const now = value();
      if (typeof now === 'string') return [id, now];
      return [id, type === 'float32' ? Math.fround(now) : Number((Math.round(now / scale) * scale).toFixed(6))];
    });
    return Object.fromEntries(entries);
  }

  private windowOf(address: number, quantity: number) {
    return this.windows.find(
      ({ first, octets }) => address >= first && address + quantity <= first + octets.length / 2,
    );
  }

  private put({ address, type, scale, value }: SimulatedTag): void {
    const window = this.windowOf(address, 1);
    if (window === undefined) return;
    const at = (address - window.first) * 2;
    const now = value();
    if (typeof now === 'string') {
      window.octets.write(now, at, 'latin1');
      return;
    }
    const raw = Math.round(now / scale);
    switch (type) {
      case 'uint16':
        window.octets.writeUInt16BE(raw, at);
        break;
      case 'int16':
        window.octets.writeInt16BE(raw, at);
        break;
      case 'uint32':
        window.octets.writeUInt32BE(raw % 0x1_0000_0000, at);
        break;
      case 'int32':
        window.octets.writeInt32BE(raw, at);
        break;
      default:
        window.octets.writeFloatBE(now, at);
    }
  }
}
