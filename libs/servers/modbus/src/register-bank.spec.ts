import type { ModbusArea, PlanEntry } from '@busbar/address-plan';
import { bad, uncertain } from '@busbar/model';
import { describe, expect, it } from 'vitest';
import { type BankRules, RegisterBank } from './register-bank.js';
import { decoded } from './test-modbus-client.js';
import { everyType, plant, pointRow, SAMPLES, siteOf } from './test-plant.js';

const RULES: BankRules = { lost: 'fill', isPerUnit: false, order: 'ABCD', mirror: false };
const LOST = bad('not-connected');

type Plant = ReturnType<typeof plant>;

function bankOf({ plan, image }: Plant, rules: Partial<BankRules> = {}, before?: RegisterBank): RegisterBank {
  return new RegisterBank({ plan, image, rules: { ...RULES, ...rules } }, before);
}

/** Octets of registers; undefined beyond the plan. */
function registers(bank: RegisterBank, area: ModbusArea, address: number, quantity: number): number[] | undefined {
  const run = bank.run(1, area, { address, quantity });
  return run && [...run.octets.subarray((address - run.first) * 2, (address - run.first + quantity) * 2)];
}

function octetsAt(bank: RegisterBank, { class: name, address, width }: PlanEntry): Uint8Array {
  return Uint8Array.from(registers(bank, name as ModbusArea, address, width) ?? []);
}

function bits(bank: RegisterBank, area: ModbusArea, address: number, quantity: number): number[] | undefined {
  const run = bank.run(1, area, { address, quantity });
  if (!run) return undefined;
  const bit = (at: number) => ((run.octets[at >> 3] as number) >> (at & 7)) & 1;
  return Array.from({ length: quantity }, (_, i) => bit(address - run.first + i));
}

const one = [pointRow('p', { type: 'double' }, { type: 'float32' })];

describe('registers', () => {
  it('hold every type in every word order, as value and as feedback of its command', () => {
    const server = plant(everyType());
    const values = server.plan.entries.filter(({ role }) => role === 'value');
    expect(values).toHaveLength(32);
    for (const { point = '' } of values) {
      server.set({ asset: 'a', point, value: SAMPLES[point.split('.')[0] as keyof typeof SAMPLES] });
    }
    const bank = bankOf(server);
    for (const { point = '' } of values) {
      const type = point.split('.')[0] as keyof typeof SAMPLES;
      const expected = type === 'float32' ? Math.fround(SAMPLES[type]) : SAMPLES[type];
      for (const role of ['value', 'control'] as const) {
        const entry = server.entry('a', point, role);
        expect(decoded(entry, octetsAt(bank, entry)), `${role} ${point}`).toBe(expected);
      }
    }
  });

  it('show what is applied, and that alone', () => {
    const server = plant([pointRow('p', {}), pointRow('q', {})]);
    const bank = bankOf(server);
    server.set({ asset: 'a', point: 'p', value: 1 }, { asset: 'a', point: 'q', value: 2 });
    bank.apply(Uint32Array.of(server.slot('a', 'q'), 99), 1);
    expect(decoded(server.entry('a', 'p'), octetsAt(bank, server.entry('a', 'p')))).toBeUndefined();
    expect(decoded(server.entry('a', 'q'), octetsAt(bank, server.entry('a', 'q')))).toBe(2);
  });

  it('hold integers of 64 bits exactly where they come as text', () => {
    const server = plant([pointRow('n', { type: 'long' }, { type: 'uint64' })]);
    server.set({ asset: 'a', point: 'n', value: '18446744073709551614' });
    const entry = server.entry('a', 'n');
    expect(Buffer.from(octetsAt(bankOf(server), entry)).readBigUInt64BE()).toBe(2n ** 64n - 2n);
  });

  it('hold a text in its declared octets, cut between characters, zeros behind it', () => {
    const server = plant([pointRow('name', { type: 'string' }, { type: 'string[7]' })]);
    const entry = server.entry('a', 'name');
    const bank = bankOf(server);
    expect(octetsAt(bank, entry)).toEqual(new Uint8Array(8));
    for (const [text, shown] of [
      ['逆变器', '逆变\0\0'],
      ['ab', 'ab\0\0\0\0\0\0'],
    ] as const) {
      server.set({ asset: 'a', point: 'name', value: text });
      bank.apply(Uint32Array.of(server.slot('a', 'name')), 1);
      expect(Buffer.from(octetsAt(bank, entry)).toString()).toBe(shown);
    }
  });
});

describe('places without a value', () => {
  it.each([
    ['int16', [0x80, 0]],
    ['uint16', [0xff, 0xff]],
    ['int32', [0x80, 0, 0, 0]],
    ['uint32', [0xff, 0xff, 0xff, 0xff]],
    ['float32', [0x7f, 0xc0, 0, 0]],
    ['int64', [0x80, 0, 0, 0, 0, 0, 0, 0]],
    ['uint64', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['float64', [0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
  ])('of type %s read %j', (type, octets) => {
    const server = plant([pointRow('p', { type: 'double' }, { type })]);
    expect([...octetsAt(bankOf(server), server.entry('a', 'p'))]).toEqual(octets);
  });

  it('follow the word order', () => {
    const server = plant([pointRow('p', {}, { type: 'float32', order: 'CDAB' })]);
    expect([...octetsAt(bankOf(server), server.entry('a', 'p'))]).toEqual([0, 0, 0x7f, 0xc0]);
  });

  it('within the plan are read through: reserved, dead and spare; beyond it there is nothing', () => {
    const rows = [
      pointRow('p', {}, { type: 'uint16' }),
      { reserved: 1, class: 'input' as const, modbus: { type: 'float32' } },
      pointRow('q', {}, { type: 'uint16' }),
    ];
    const server = plant(rows, { spare: { input: 2 } });
    const start = server.entry('a', 'p').address;
    server.set({ asset: 'a', point: 'p', value: 1 });
    const bank = bankOf(server);
    expect(registers(bank, 'input', start, 3)).toEqual([0, 1, 0x7f, 0xc0, 0, 0]);
    expect(registers(bank, 'input', start + 4, 2)).toEqual([0xff, 0xff, 0xff, 0xff]);
    expect(registers(bank, 'input', start + 6, 1)).toBeUndefined();
    expect(registers(bank, 'input', start + 5, 2)).toBeUndefined();
    expect(registers(bank, 'holding', start, 1)).toBeUndefined();
    expect(bits(bank, 'coil', 0, 1)).toBeUndefined();
  });

  it('of a dead point read as no value of its type', () => {
    const server = plant([pointRow('p', {}, { type: 'uint16' }), pointRow('old', {}, { type: 'int32' })]);
    const old = server.entry('a', 'old');
    const { id, class: name, station, address, width, type } = old;
    const entries = server.plan.entries.filter((entry) => entry !== old);
    server.plan = { ...server.plan, entries, tombstones: [{ id, class: name, station, address, width, type }] };
    expect(registers(bankOf(server), 'input', address, width)).toEqual([0x80, 0, 0, 0]);
  });
});

describe('quality', () => {
  it.each(['sensor', 'device', 'formula', 'configuration', 'not-a-number', 'refused-address'] as const)(
    'bad %s shows no value, whatever the rule for lost devices',
    (reason) => {
      for (const lost of ['fill', 'last', 'exception'] as const) {
        const server = plant(one);
        server.set({ asset: 'a', point: 'p', value: 5 });
        const bank = bankOf(server, { lost });
        server.set({ asset: 'a', point: 'p', value: 6, quality: bad(reason) });
        bank.apply(Uint32Array.of(server.slot('a', 'p')), 1);
        expect(decoded(server.entry('a', 'p'), octetsAt(bank, server.entry('a', 'p')))).toBeUndefined();
      }
    },
  );

  it.each(['stale', 'substituted', 'maintenance', 'operand'] as const)('uncertain %s shows the value', (reason) => {
    const server = plant(one);
    server.set({ asset: 'a', point: 'p', value: 6, quality: uncertain(reason) });
    expect(decoded(server.entry('a', 'p'), octetsAt(bankOf(server), server.entry('a', 'p')))).toBe(6);
  });

  it('has a bit per value in plan order, 1 for good', () => {
    const rows = [pointRow('p', {}), pointRow('s', { type: 'bool', kind: 'DI' }), pointRow('q', {})];
    const server = plant(rows, { qualityStart: 1_000 });
    const bank = bankOf(server);
    expect(bits(bank, 'discrete', 1_000, 3)).toEqual([0, 0, 0]);
    server.set({ asset: 'a', point: 'p', value: 1 }, { asset: 'a', point: 's', value: 0 });
    server.set({ asset: 'a', point: 'q', value: 1, quality: uncertain('stale') });
    bank.apply(Uint32Array.from(server.plan.entries.keys()), server.plan.entries.length);
    expect(bits(bank, 'discrete', 1_000, 3)).toEqual([1, 1, 0]);
    server.set({ asset: 'a', point: 'p', value: Number.NaN, quality: LOST });
    bank.apply(Uint32Array.of(server.slot('a', 'p')), 1);
    expect(bits(bank, 'discrete', 1_000, 3)).toEqual([0, 1, 0]);
  });
});

describe('a lost device', () => {
  const rows = [pointRow('p', {}), pointRow('q', {})];
  const lose = (server: Plant, ...assets: string[]) => {
    for (const asset of assets) {
      server.set(...['p', 'q'].map((point) => ({ asset, point, value: Number.NaN, quality: LOST })));
    }
  };
  const all = (server: Plant) => Uint32Array.from(server.plan.entries.keys());
  const start = (rules: Partial<BankRules>) => {
    const server = plant(rows, {}, { site: siteOf(rows, ['a', 'b']) });
    for (const asset of ['a', 'b']) {
      server.set({ asset, point: 'p', value: 1 }, { asset, point: 'q', value: 2 });
    }
    const bank = bankOf(server, rules);
    lose(server, 'a');
    bank.apply(all(server), server.plan.entries.length);
    return { server, bank };
  };
  const shown = ({ server, bank }: { server: Plant; bank: RegisterBank }, asset: string) =>
    ['p', 'q'].map((point) => decoded(server.entry(asset, point), octetsAt(bank, server.entry(asset, point))));

  it('shows no value by the rule fill, and the others theirs', () => {
    const made = start({ lost: 'fill' });
    expect([shown(made, 'a'), shown(made, 'b')]).toEqual([
      [undefined, undefined],
      [1, 2],
    ]);
  });

  it('shows the last values by the rule last, over a new plan too, and none where there never was one', () => {
    const made = start({ lost: 'last' });
    expect(shown(made, 'a')).toEqual([1, 2]);
    made.bank = bankOf(made.server, { lost: 'last' }, made.bank);
    expect(shown(made, 'a')).toEqual([1, 2]);
    expect(shown({ ...made, bank: bankOf(made.server, { lost: 'last' }) }, 'a')).toEqual([undefined, undefined]);
  });

  it('is an exception only where all of a request is lost', () => {
    const { server, bank } = start({ lost: 'exception' });
    const from = server.entry('a', 'p').address;
    const run = bank.run(1, 'input', { address: from, quantity: 8 });
    if (!run) throw new Error('the plan has no inputs');
    expect([bank.isAllLost(run, from, 4), bank.isAllLost(run, from, 8), bank.isAllLost(run, from + 4, 4)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(shown({ server, bank }, 'a')).toEqual([undefined, undefined]);
    expect(start({ lost: 'fill' }).bank.isAllLost(run, from, 4)).toBe(false);
  });
});

describe('what no device gives', () => {
  it('is never lost: service points, and commands without feedback', () => {
    const server = plant([pointRow('p', {}), pointRow('w', { access: 'w' })]);
    const bank = bankOf(server, { lost: 'exception' });
    for (const entry of [server.entry('a', 'w', 'control'), ...server.plan.entries.filter((one) => one.service)]) {
      const run = bank.run(1, entry.class === 'holding' ? 'holding' : 'input', { address: entry.address, quantity: 1 });
      expect(run && bank.isAllLost(run, entry.address, 1), entry.id).toBe(false);
    }
    const { address } = server.entry('a', 'p');
    const run = bank.run(1, 'input', { address, quantity: 1 });
    expect(run && bank.isAllLost(run, address, 1)).toBe(true);
  });
});

describe('units', () => {
  it('are one for every id, or one per device', () => {
    const rows = [pointRow('p', {})];
    const each = plant(rows, { units: 'per-device' }, { site: siteOf(rows, ['a', 'b']) });
    each.set({ asset: 'a', point: 'p', value: 1 }, { asset: 'b', point: 'p', value: 2 });
    const bank = bankOf(each, { isPerUnit: true });
    const values = [each.entry('a', 'p'), each.entry('b', 'p')].map((entry) => {
      const run = bank.run(entry.station, 'input', { address: entry.address, quantity: entry.width });
      return run && decoded(entry, run.octets.subarray((entry.address - run.first) * 2).subarray(0, 4));
    });
    expect(values).toEqual([1, 2]);
    expect([bank.hasUnit(each.entry('a', 'p').station), bank.hasUnit(99)]).toEqual([true, false]);
    expect(bank.run(99, 'input', { address: 0, quantity: 1 })).toBeUndefined();
    const all = bankOf(plant(rows));
    expect([0, 1, 255].map((unit) => all.hasUnit(unit))).toEqual([true, true, true]);
  });
});

describe('mirrored inputs', () => {
  const rows = [pointRow('p', { access: 'rw' })];

  it('are holding registers too, beside those that are', () => {
    const server = plant(rows, { mirror: true, starts: { holding: 100 } });
    server.set({ asset: 'a', point: 'p', value: 3 });
    const bank = bankOf(server, { mirror: true });
    const { address } = server.entry('a', 'p');
    expect(registers(bank, 'holding', address, 2)).toEqual(registers(bank, 'input', address, 2));
    expect(registers(bank, 'holding', 100, 2)).toEqual(registers(bank, 'input', address, 2));
    expect(registers(bankOf(server), 'holding', address, 2)).toBeUndefined();
  });
});
