import { describe, expect, it } from 'vitest';
import { diff } from './diff.js';
import { plan, planDigest } from './plan.js';
import { movesBetween } from './plan-lines.js';
import type { TemplateRow } from './template.js';
import {
  addresses,
  bit,
  command,
  entryAt,
  iec104,
  measured,
  modbus,
  planned,
  reserved,
  siteOf,
} from './testing/test-site.js';

const WORKED: readonly TemplateRow[] = [
  bit('A'),
  bit('B'),
  bit('C'),
  reserved('YX'),
  measured('P'),
  measured('Q'),
  command('S'),
];

describe('the first plan', () => {
  it('equals the worked example', () => {
    const { plan: first } = planned(iec104(), siteOf(WORKED, [1, 2]));
    expect(first.findings).toEqual([]);
    expect(addresses(first.entries)).toEqual([
      'YX 1 d1/A',
      'YX 2 d1/B',
      'YX 3 d1/C',
      'YX 4 d1/reserved.1',
      'YX 5 d2/A',
      'YX 6 d2/B',
      'YX 7 d2/C',
      'YX 8 d2/reserved.1',
      'YC 16385 d1/P',
      'YC 16386 d1/Q',
      'YC 16387 d2/P',
      'YC 16388 d2/Q',
      'YK 24577 d1/S',
      'YK 24578 d2/S',
    ]);
  });

  it('goes by index, not by the order of devices, and leaves spare places behind each', () => {
    const first = planned(iec104({ spare: { YC: 2 } }), siteOf([measured('P')], [2, 1]));
    expect(addresses(first.plan.entries)).toEqual(['YC 16385 d1/P', 'YC 16388 d2/P']);
    expect(first.plan.spares.map(({ asset, address, width }) => [asset, address, width])).toEqual([
      ['d1', 16386, 2],
      ['d2', 16389, 2],
    ]);
  });

  it('is the same again when it is made with its own lines', () => {
    for (const settings of [
      iec104({ spare: { YX: 3 } }),
      modbus({ spare: { input: 5 }, qualityStart: 1000, align: true }),
    ]) {
      const first = planned(settings, siteOf(WORKED, [1, 2, 3]));
      const second = planned(settings, siteOf(WORKED, [1, 2, 3]), first.lines);
      expect(second.plan).toEqual(first.plan);
      expect(second.lines).toEqual(first.lines);
    }
  });

  it('names two devices of one index', () => {
    const site = siteOf(WORKED, [1, { asset: 'other', index: 1, template: 't' }]);
    expect(plan(iec104(), site).findings).toMatchObject([
      { severity: 'error', code: 'FORWARD_INDEX', params: { a: 'd1', b: 'other', index: 1 } },
    ]);
  });

  it('gives each device a station of its own when told to, with the same addresses in each', () => {
    const { plan: first } = planned(iec104({ stations: 'per-device', ca: 10 }), siteOf([measured('P')], [1, 2]));
    const values = first.entries.filter(({ role }) => role === 'value');
    expect(values.map(({ station, address }) => [station, address])).toEqual([
      [11, 16385],
      [12, 16385],
    ]);
    expect(first.entries.filter(({ role }) => role === 'service').every(({ station }) => station === 10)).toBe(true);
  });

  it('gives each group a station, and names a device without one', () => {
    const device = (asset: string, index: number, group?: number) => ({
      asset,
      index,
      template: 't',
      ...(group === undefined ? {} : { group }),
    });
    const site = siteOf([measured('P')], [device('a', 1, 1), device('b', 2, 1), device('c', 3)]);
    const { plan: first } = planned(iec104({ stations: 'per-group' }), site);
    expect(entryAt(first.entries, 'YC b/P')).toMatchObject({ station: 2, address: 16386 });
    expect(first.findings).toMatchObject([{ severity: 'error', code: 'FORWARD_STATION', asset: 'c' }]);
  });

  it('refuses stations that the protocol does not have', () => {
    const { findings } = plan(modbus({ units: 'per-device', unitId: 1 }), siteOf([measured('P')], [300]));
    expect(findings).toMatchObject([
      { severity: 'error', code: 'FORWARD_STATION', params: { reason: 'it would be 301, the last one is 247' } },
    ]);
  });
});

describe('a later plan', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  it('moves no old address when a row is inserted in the middle, with 100 devices', () => {
    const before = planned(iec104(), siteOf([bit('A'), bit('B')], hundred));
    const after = planned(iec104(), siteOf([bit('A'), bit('NEW'), bit('B')], hundred), before.lines);
    const changes = diff(before.plan, after.plan);
    expect(changes.breaking).toEqual([]);
    expect(changes.added.map(({ after: one }) => `${one?.id} ${one?.address}`)).toEqual(
      hundred.map((n) => `d${n}/NEW ${200 + n}`),
    );
  });

  it('never gives the address of a deleted device to another, and gives it back to the same', () => {
    const before = planned(iec104(), siteOf([measured('P')], [1, 2, 3]));
    const without = planned(iec104(), siteOf([measured('P')], [1, 3, 4]), before.lines);
    expect(without.at('YC d2/P')).toBeUndefined();
    expect(without.at('YC d4/P')).toBe(16388);
    expect(without.plan.tombstones).toContainEqual({
      id: 'd2/P',
      class: 'YC',
      station: 1,
      address: 16386,
      width: 1,
      type: 'M_ME_NC',
    });
    const again = planned(iec104(), siteOf([measured('P')], [1, 2, 3, 4]), without.lines);
    expect(again.at('YC d2/P')).toBe(16386);
    expect(again.plan.tombstones).toEqual([]);
  });

  it('gives a tombstone up only when told to', () => {
    const before = planned(iec104(), siteOf([measured('P')], [1, 2]));
    const without = planned(iec104(), siteOf([measured('P')], [1]), before.lines);
    const released = planned(
      iec104({}, { release: new Set(['d2/P']) }),
      siteOf([measured('P')], [1, 3]),
      without.lines,
    );
    expect(released.at('YC d3/P')).toBe(16386);
    expect(released.plan.tombstones.map(({ id }) => id)).toEqual(['@communication/d2']);
  });

  it('moves nothing when device, point and template are renamed', () => {
    const before = planned(iec104({ spare: { YC: 1 } }), siteOf([measured('P'), reserved('YC'), bit('A')], [1, 2]));
    const site = {
      devices: [
        { asset: 'first', was: 'd1', index: 1, template: 'other' },
        { asset: 'd2', index: 2, template: 'other' },
      ],
      templates: new Map([
        ['other', { id: 'other', rows: [measured('POWER', { was: 'P' }), reserved('YC'), bit('A')] }],
      ]),
    };
    const after = planned(iec104({ spare: { YC: 1 } }), site, before.lines);
    const changes = diff(before.plan, after.plan);
    expect([changes.added, changes.breaking]).toEqual([[], []]);
    expect(changes.renamed.map(({ before: a, after: b }) => [a?.id, b?.id, b?.address])).toEqual([
      ['d1/A', 'first/A', 1],
      ['d1/P', 'first/POWER', 16385],
      ['d2/P', 'd2/POWER', 16388],
      ['@communication/d1', '@communication/first', 61445],
    ]);
    expect(after.plan.tombstones).toEqual([]);
    expect(after.plan.spares.map(({ asset, address }) => [asset, address])).toEqual([
      ['first', 16387],
      ['d2', 16390],
    ]);
  });

  it('puts a new row onto a reserved place that is no longer asked for', () => {
    const before = planned(iec104(), siteOf(WORKED, [1, 2]));
    const rows = WORKED.map((row) => ('reserved' in row ? bit('NEW') : row));
    const after = planned(iec104(), siteOf(rows, [1, 2]), before.lines);
    expect([after.at('YX d1/NEW'), after.at('YX d2/NEW')]).toEqual([4, 8]);
    expect(diff(before.plan, after.plan).breaking).toEqual([]);
  });

  it('puts a row onto the reserved place that it names, and refuses one of another width', () => {
    const rows = [measured('P'), reserved('input', 2)];
    const before = planned(modbus(), siteOf(rows, [1]));
    const named = planned(
      modbus(),
      siteOf([...rows.slice(0, 1), measured('NEW', { replaces: 2 }), reserved('input')], [1]),
      before.lines,
    );
    expect(named.at('input d1/NEW')).toBe(4);
    expect(named.at('input d1/reserved.1')).toBe(2);
    const short = measured('NEW', { replaces: 2, modbus: { type: 'uint16' } });
    const { findings } = plan(modbus(), siteOf([...rows, short], [1]), before.lines);
    expect(findings).toMatchObject([
      {
        severity: 'error',
        code: 'FORWARD_PLACE',
        params: { point: 'NEW', reason: 'reserved.2 takes 2 places, uint16 takes 1' },
        asset: 'd1',
        template: 't',
        row: 2,
      },
    ]);
  });

  it('uses spare places of the block before the tail', () => {
    const settings = modbus({ spare: { input: 3 } });
    const before = planned(settings, siteOf([measured('P')], [1, 2]));
    const rows = [measured('P'), measured('Q'), measured('R', { modbus: { type: 'int16' } }), measured('S')];
    const after = planned(settings, siteOf(rows, [1, 2]), before.lines);
    expect(['P', 'Q', 'R', 'S'].map((id) => after.at(`input d1/${id}`))).toEqual([0, 2, 4, 10]);
    expect(['P', 'Q', 'R', 'S'].map((id) => after.at(`input d2/${id}`))).toEqual([5, 7, 9, 12]);
  });

  it('puts a new device with the smallest index at the tail and says so', () => {
    const before = planned(iec104(), siteOf([measured('P')], [5, 6]));
    const after = planned(iec104(), siteOf([measured('P')], [1, 5, 6]), before.lines);
    expect(after.at('YC d1/P')).toBe(16387);
    expect(after.plan.findings).toMatchObject([{ severity: 'note', code: 'FORWARD_TAIL', params: { asset: 'd1' } }]);
  });

  it('makes a tombstone of a changed type, and renumbering equals the first plan', () => {
    const before = planned(iec104(), siteOf([measured('P'), measured('Q')], [1, 2]));
    const rows = [measured('P', { iec104: { type: 'M_ME_NB' } }), measured('Q')];
    const after = planned(iec104(), siteOf(rows, [1, 2]), before.lines);
    expect([after.at('YC d1/P'), after.at('YC d2/P')]).toEqual([16389, 16390]);
    expect(after.plan.tombstones.map(({ id, address, type }) => [id, address, type])).toEqual([
      ['d1/P', 16385, 'M_ME_NC'],
      ['d2/P', 16387, 'M_ME_NC'],
    ]);
    expect(diff(before.plan, after.plan).retyped).toHaveLength(2);
    const back = planned(iec104(), siteOf([measured('P'), measured('Q')], [1, 2]), after.lines);
    expect(back.at('YC d1/P')).toBe(16385);
    const renumbered = planned(iec104({}, { renumber: true }), siteOf(rows, [1, 2]), after.lines);
    expect(renumbered.plan).toEqual(plan(iec104(), siteOf(rows, [1, 2])));
    expect(planned(iec104({}, { policy: 'dense' }), siteOf(rows, [1, 2]), after.lines).lines).toEqual(renumbered.lines);
    expect(movesBetween(after.lines, renumbered.lines).map(({ id }) => id)).toEqual(['d1/P', 'd2/P']);
  });

  it('keeps the address of a point whose type is changed in place by name', () => {
    const before = planned(iec104(), siteOf([measured('P'), measured('Q')], [1]));
    const rows = [measured('P', { iec104: { type: 'M_ME_NB' } }), measured('Q')];
    const after = planned(iec104({}, { retype: new Set(['d1/P']) }), siteOf(rows, [1]), before.lines);
    expect(entryAt(after.plan.entries, 'YC d1/P')).toMatchObject({ address: 16385, type: 'M_ME_NB' });
    expect(diff(before.plan, after.plan).breaking).toHaveLength(1);
    expect(after.plan.tombstones).toEqual([]);
  });

  it('makes tombstones of later points when it is rolled back, and finds them again', () => {
    const old = siteOf([measured('P')], [1]);
    const first = planned(iec104(), old);
    const later = planned(iec104(), siteOf([measured('P'), measured('Q'), reserved('YC')], [1, 2]), first.lines);
    const back = planned(iec104(), old, later.lines);
    expect(addresses(back.plan.entries)).toEqual(addresses(first.plan.entries));
    expect(back.plan.tombstones.map(({ id, address }) => [id, address])).toEqual([
      ['d1/Q', 16386],
      ['d2/P', 16388],
      ['d2/Q', 16389],
      ['d2/reserved.1', 16390],
      ['@communication/d2', 61446],
    ]);
    const other = planned(iec104(), siteOf([measured('P')], [1, 3]), back.lines);
    expect(other.at('YC d3/P')).toBe(16391);
    const again = planned(iec104(), siteOf([measured('P'), measured('Q'), reserved('YC')], [1, 2]), back.lines);
    expect(addresses(again.plan.entries)).toEqual(addresses(later.plan.entries));
  });
});

describe('another division into stations', () => {
  it('makes all addresses new, and the old ones are found again', () => {
    const site = siteOf([measured('P')], [1, 2]);
    const first = planned(iec104(), site);
    const apart = planned(iec104({ stations: 'per-device' }), site, first.lines);
    expect(apart.plan.tombstones.map(({ id, station, address }) => [id, station, address])).toEqual([
      ['d1/P', 1, 16385],
      ['d2/P', 1, 16386],
    ]);
    const back = planned(iec104(), site, apart.lines);
    expect(addresses(back.plan.entries)).toEqual(addresses(first.plan.entries));
    expect(diff(first.plan, back.plan).breaking).toEqual([]);
    expect(back.plan.tombstones.map(({ id, station }) => [id, station])).toEqual([
      ['d1/P', 2],
      ['d2/P', 3],
    ]);
    expect(new Set(back.lines.map(({ space, number }) => `${space} ${number}`)).size).toBe(back.lines.length);
  });

  it('moves nothing when only the first station is another one', () => {
    const site = siteOf([measured('P')], [1, 2]);
    const first = planned(iec104({ ca: 1 }), site);
    const other = planned(iec104({ ca: 9 }), site, first.lines);
    expect(addresses(other.plan.entries)).toEqual(addresses(first.plan.entries));
    expect(diff(first.plan, other.plan).moved).toHaveLength(other.plan.entries.length);
  });
});

describe('bounds', () => {
  it('finds 8,193 measured values of one station and says what to do', () => {
    const rows = [...Array.from({ length: 8193 }, (_, n) => measured(`P${n}`)), command('S')];
    const { findings } = plan(iec104(), siteOf(rows, [1]));
    expect(findings).toEqual([
      {
        severity: 'error',
        code: 'FORWARD_SPACE',
        params: { class: 'YC', station: 1, start: 16385, need: 8193, room: 8192, next: 'YK', name: 'stations' },
      },
    ]);
    expect(plan(iec104(), siteOf(rows.slice(1), [1])).findings).toEqual([]);
    const many = plan(iec104(), siteOf([...rows, ...rows.map((row, n) => ({ ...row, point: `R${n}` }))], [1])).findings;
    expect(many.map(({ params }) => [params.class, params.need])).toEqual([['YC', 16_386]]);
  });

  it('ends at 65,535 where a master takes two octets', () => {
    const settings = { starts: { YC: 65_535 }, service: { start: 30_000 } };
    const site = siteOf([measured('P'), measured('Q')], [1]);
    expect(plan(iec104(settings), site).findings).toEqual([]);
    expect(plan(iec104({ ...settings, ioaOctets: 2 }), site).findings).toMatchObject([
      { code: 'FORWARD_SPACE', params: { need: 2, room: 1, next: 'the end of all addresses' } },
    ]);
  });

  it('finds inputs that run into the mirrored commands', () => {
    const row = measured('P', { model: { type: 'double', kind: 'AI', access: 'rw' } });
    expect(plan(modbus({ mirror: true }), siteOf([row], [1])).findings).toMatchObject([
      { code: 'FORWARD_SPACE' },
      { code: 'FORWARD_SPACE' },
    ]);
    expect(plan(modbus({ mirror: true, starts: { holding: 30_000 } }), siteOf([row], [1])).findings).toEqual([]);
    const unmirrored = planned(modbus(), siteOf([row], [1]));
    const { findings } = plan(
      modbus({ mirror: true, starts: { holding: 30_000 } }),
      siteOf([row], [1]),
      unmirrored.lines,
    );
    expect(findings).toMatchObject([
      { severity: 'error', code: 'FORWARD_PLACE', params: { point: 'd1/P', reason: 'address 0 is that of d1/P too' } },
    ]);
  });
});

describe('the digest', () => {
  it('survives a trip through JSON and tells one plan from another', () => {
    const first = plan(iec104(), siteOf(WORKED, [1, 2]));
    const copy = JSON.parse(JSON.stringify(first)) as typeof first;
    expect(planDigest(copy.entries, copy.tombstones)).toBe(first.digest);
    const scaled = plan(
      iec104(),
      siteOf([...WORKED.slice(0, 4), measured('P', { scale: 10 }), ...WORKED.slice(5)], [1, 2]),
    );
    expect(scaled.digest).not.toBe(first.digest);
    const changes = diff(first, scaled);
    expect(changes.rescaled.map(({ after }) => after?.id)).toEqual(['d1/P', 'd2/P']);
    expect(changes.breaking).toHaveLength(2);
  });
});

describe('size', () => {
  it('plans 50,000 points, and plans them again, within a few seconds', () => {
    const rows = Array.from({ length: 500 }, (_, n) => (n % 2 === 0 ? measured(`P${n}`) : bit(`P${n}`)));
    const settings = iec104({
      starts: { YX: 1, YC: 100_001, YM: 300_001, YK: 400_001, YT: 500_001 },
      service: { start: 600_001 },
    });
    const devices = Array.from({ length: 100 }, (_, n) => n + 1);
    const started = performance.now();
    const first = planned(settings, siteOf(rows, devices));
    const second = planned(settings, siteOf([...rows, measured('NEW')], devices), first.lines);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(first.plan.entries.filter(({ role }) => role === 'value')).toHaveLength(50_000);
    expect(second.at('YC d100/NEW')).toBe(125_100);
    expect(diff(first.plan, second.plan).breaking).toEqual([]);
  });
});
