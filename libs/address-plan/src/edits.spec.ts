import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diff } from './diff.js';
import type { Planned } from './plan.js';
import { lineParts, lineWidth, type PlanLine, spaceParts } from './plan-lines.js';
import { type PlanSettings, spacesOf } from './plan-settings.js';
import type { ForwardingTemplate, PlanDevice, PlanSite, PointRow, ReservedRow, RowPoint } from './template.js';
import { bit, iec104, measured, modbus, planned, reserved } from './testing/test-site.js';

interface Row {
  readonly id: string;
  readonly row: PointRow | ReservedRow;
}

/** A site that is edited: two templates, devices that come, go and come back. */
interface Editable {
  readonly templates: readonly [Row[], Row[]];
  readonly devices: PlanDevice[];
}

type Edit = (site: Editable, made: number) => void;

const limit: RowPoint = { type: 'double', kind: 'AI', access: 'rw', range: [0, 100] };
const NAMES = ['A', 'B', 'C', 'D', 'E', 'F'] as const;
const MAKERS: readonly ((id: string) => PointRow)[] = [
  bit,
  measured,
  (id) => ({ point: id, model: limit }),
  (id) => measured(id, { iec104: { type: 'M_ME_NB' }, modbus: { type: 'uint16' } }),
  (id) => measured(id, { iec104: { type: 'M_IT' }, modbus: { type: 'float64' } }),
];

const which = fc.nat({ max: 1 });
const at = fc.nat({ max: 20 });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(which, at, fc.constantFrom(...NAMES), fc.nat({ max: MAKERS.length - 1 })).map(
    ([template, place, id, maker]): Edit =>
      ({ templates }) => {
        const rows = templates[template] as Row[];
        if (rows.some((one) => one.id === id)) return;
        rows.splice(place % (rows.length + 1), 0, { id, row: (MAKERS[maker] as (id: string) => PointRow)(id) });
      },
  ),
  fc.tuple(which, at, fc.constantFrom('YX' as const, 'YC' as const), fc.integer({ min: 1, max: 3 })).map(
    ([template, place, name, count]): Edit =>
      ({ templates }, made) => {
        const rows = templates[template] as Row[];
        rows.splice(place % (rows.length + 1), 0, { id: `@${made}`, row: reserved(name, count) });
      },
  ),
  fc.tuple(which, at).map(
    ([template, place]): Edit =>
      ({ templates }) => {
        const rows = templates[template] as Row[];
        if (rows.length > 0) rows.splice(place % rows.length, 1);
      },
  ),
  fc.tuple(which, at, fc.nat({ max: MAKERS.length - 1 })).map(
    ([template, place, maker]): Edit =>
      ({ templates }) => {
        const rows = templates[template] as Row[];
        const index = place % Math.max(1, rows.length);
        const known = rows[index];
        if (known && 'point' in known.row) {
          rows[index] = { id: known.id, row: (MAKERS[maker] as (id: string) => PointRow)(known.id) };
        }
      },
  ),
  fc.tuple(which, at).map(
    ([template, place]): Edit =>
      ({ templates }) => {
        const rows = templates[template] as Row[];
        const first = rows.splice(place % Math.max(1, rows.length), 1);
        rows.push(...first);
      },
  ),
  fc.tuple(fc.integer({ min: 1, max: 8 }), which).map(
    ([number, template]): Edit =>
      ({ devices }) => {
        if (devices.some(({ index }) => index === number)) return;
        devices.push({ asset: `d${number}`, index: number, template: `t${template}` });
      },
  ),
  at.map(
    (place): Edit =>
      ({ devices }) => {
        if (devices.length > 0) devices.splice(place % devices.length, 1);
      },
  ),
);

function siteOf({ templates, devices }: Editable): PlanSite {
  const made = templates.map((rows, index): [string, ForwardingTemplate] => [
    `t${index}`,
    { id: `t${index}`, rows: rows.map(({ row }) => row) },
  ]);
  return { devices: [...devices], templates: new Map(made) };
}

/** No two places of one domain and station share an address, dead and free ones included; all lie within bounds. */
function expectSound(settings: PlanSettings, { findings }: Planned, lines: readonly PlanLine[]): void {
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const spaces = spacesOf(settings);
  const taken = new Map<string, PlanLine>();
  for (const line of lines) {
    const { name, station } = spaceParts(settings, line.space);
    const space = spaces.get(name);
    for (let place = line.number; place < line.number + lineWidth(line); place++) {
      const key = `${space?.domain} ${station} ${place}`;
      if (taken.has(key)) expect([line, taken.get(key)]).toBe('apart');
      taken.set(key, line);
    }
    const isWithin = space && line.number >= space.start && line.number + lineWidth(line) - 1 <= space.end;
    if (!isWithin) expect([line, space]).toBe('within bounds');
  }
}

describe('after any edits', () => {
  it.each([
    ['iec104', iec104({ spare: { YX: 2, YC: 1 } })],
    ['iec104 by device', iec104({ stations: 'per-device' })],
    ['modbus', modbus({ spare: { input: 3 }, align: true, qualityStart: 20_000 })],
    ['modbus by device', modbus({ units: 'per-device', starts: { holding: 100 } })],
  ] as const)(
    '%s: addresses are unique, in bounds, and nothing that has one ever moves',
    (_, settings) => {
      // 4 kinds of plan, 50 histories, 50 edits each: 10,000 edits.
      fc.assert(
        fc.property(fc.array(edit, { minLength: 50, maxLength: 50 }), (edits) => {
          const site: Editable = {
            templates: [
              [
                { id: 'A', row: bit('A') },
                { id: '@', row: reserved('YX', 2) },
              ],
              [{ id: 'B', row: measured('B') }],
            ],
            devices: [{ asset: 'd4', index: 4, template: 't0' }],
          };
          // Identity and type to its address, and address to the identity that had it; for ever.
          const given = new Map<string, string>();
          const owner = new Map<string, string>();
          let { plan: last, lines } = planned(settings, siteOf(site));
          edits.forEach((change, made) => {
            change(site, made);
            const next = planned(settings, siteOf(site), lines);
            expectSound(settings, next.plan, next.lines);
            for (const line of next.lines) {
              const { reserved: number, isSpare } = lineParts(line.id);
              if (isSpare || number !== undefined) continue;
              const place = `${line.space} ${line.number}`;
              const identity = `${line.space} ${line.id} ${line.type}`;
              if ((given.get(identity) ?? place) !== place) expect([identity, given.get(identity)]).toBe(place);
              if ((owner.get(place) ?? identity) !== identity) expect([place, owner.get(place)]).toBe(identity);
              given.set(identity, place);
              owner.set(place, identity);
            }
            expect(diff(last, next.plan).moved).toEqual([]);
            last = next.plan;
            lines = next.lines;
          });
        }),
        { numRuns: 50, seed: 20_261 },
      );
    },
    120_000,
  );
});
