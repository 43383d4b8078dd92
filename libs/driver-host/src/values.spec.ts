import { describe, expect, it } from 'vitest';
import { MemorySite, tagConfig } from './testing/memory-site.js';

async function read(tags: Parameters<MemorySite['run']>[0], value: MemorySite['device']['value']) {
  const site = new MemorySite();
  site.device.value = value;
  await site.run(tags);
  return site.take().map(({ tag, value: seen, quality }) => ({ tag, value: seen, quality }));
}

describe('raw values become values', () => {
  it('scales to clean decimals', async () => {
    const tags = [
      tagConfig(1, { type: 'uint16', scale: 0.1 }),
      tagConfig(2, { type: 'float32', scale: 0.001 }),
      tagConfig(3, { type: 'int16', scale: 0.1, offset: -40 }),
      tagConfig(4, { type: 'uint16', scale: 0.3 }),
    ];
    const raw: Record<number, number> = { 1: 498, 2: 1234.5, 3: 651, 4: 3 };
    expect((await read(tags, (address) => raw[address] as number)).map((sample) => sample.value)).toEqual([
      49.8, 1.2345, 25.1, 0.9,
    ]);
  });

  it('takes invalid codes for no value, whatever the type', async () => {
    const tags = [
      tagConfig(1, { invalid: [2147483647] }),
      tagConfig(2, { type: 'float32', invalid: [3.4028235e38, 'NaN'] }),
      tagConfig(3, { type: 'uint64', invalid: ['18446744073709551615'] }),
      tagConfig(4, { invalid: [5, 7] }),
      tagConfig(5, { type: 'uint16', scale: 0.1, invalid: [65535] }),
    ];
    const raw: Record<number, number | bigint> = { 1: 2147483647, 2: 3.4028235e38, 3: 2n ** 64n - 1n, 4: 7, 5: 65535 };
    expect(await read(tags, (address) => raw[address] as number)).toEqual(
      [1, 2, 3, 4, 5].map((tag) => ({ tag, value: undefined, quality: 'bad device' })),
    );
  });

  it('says not-a-number for NaN and the infinities', async () => {
    const tags = [tagConfig(1), tagConfig(2, { min: 0 }), tagConfig(3, { scale: 2 })];
    const raw: Record<number, number> = { 1: Number.NaN, 2: Number.NaN, 3: Number.POSITIVE_INFINITY };
    expect((await read(tags, (address) => raw[address] as number)).map((sample) => sample.quality)).toEqual([
      'bad not-a-number',
      'bad not-a-number',
      'bad not-a-number',
    ]);
  });

  it('keeps a value outside its limits, as uncertain', async () => {
    const tags = [tagConfig(1, { scale: 0.1, min: 0, max: 100 }), tagConfig(2, { scale: 0.1, min: 0, max: 100 })];
    expect(await read(tags, (address) => (address === 1 ? 1001 : 1000))).toEqual([
      { tag: 1, value: 100.1, quality: 'uncertain out-of-range' },
      { tag: 2, value: 100, quality: 'good' },
    ]);
  });

  it('applies the power of ten of another tag, read before or after in the same scan', async () => {
    const tags = [
      tagConfig(1, { scaleBy: 2, max: 50 }),
      tagConfig(2, { type: 'int16', invalid: [-32768] }),
      tagConfig(3, { scaleBy: 2, max: 50 }),
    ];
    const raw: Record<number, number> = { 1: 4980, 2: -2, 3: 9876 };
    expect(await read(tags, (address) => raw[address] as number)).toEqual([
      { tag: 1, value: 49.8, quality: 'good' },
      { tag: 2, value: -2, quality: 'good' },
      { tag: 3, value: 98.76, quality: 'uncertain out-of-range' },
    ]);
  });

  it('has no value where the power of ten has none', async () => {
    const tags = [tagConfig(1, { scaleBy: 2 }), tagConfig(2, { type: 'int16', invalid: [-32768] })];
    expect(await read(tags, (address) => (address === 2 ? -32768 : 5))).toEqual([
      { tag: 1, value: undefined, quality: 'bad operand' },
      { tag: 2, value: undefined, quality: 'bad device' },
    ]);
  });

  it('carries texts, 64-bit integers and arrays beside the numbers', async () => {
    const tags = [
      tagConfig(1, { type: 'string', length: 8 }),
      tagConfig(2, { type: 'uint64' }),
      tagConfig(3, { type: 'uint16', count: 2, scale: 0.1 }),
      tagConfig(4, { type: 'uint64', scale: 0.001 }),
    ];
    const raw: Record<number, string | bigint | number[]> = { 1: 'SN-1', 2: 2n ** 63n, 3: [1, 498], 4: 5000n };
    expect((await read(tags, (address) => raw[address] as string)).map((sample) => sample.value)).toEqual([
      'SN-1',
      2n ** 63n,
      [0.1, 49.8],
      5,
    ]);
  });

  it('gives tags bad configuration whose group or address is none', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1), tagConfig(2, { group: 'nowhere' }), tagConfig(3, { address: '?' })]);
    await site.time.advance(1_000);
    const seen = site.take();
    expect(seen.filter((sample) => sample.tag === 2)).toMatchObject([{ quality: 'bad configuration' }]);
    expect(seen.filter((sample) => sample.tag === 3)).toMatchObject([{ quality: 'bad configuration' }]);
    expect(seen.filter((sample) => sample.tag === 1).length).toBe(2);
  });
});
