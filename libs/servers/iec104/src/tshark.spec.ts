import { once } from 'node:events';
import { connect } from 'node:net';
import type { PlanEntry } from '@busbar/address-plan';
import { bad, uncertain } from '@busbar/model';
import { toWire } from '@busbar/server-sdk';
import { refusal, type TestServer, testServerHost } from '@busbar/server-testkit';
import { describe, expect, it } from 'vitest';
import type { Iec104Config } from './config.js';
import server from './server.js';
import { Capture, hasTshark } from './test-capture.js';
import { RawMaster } from './test-master.js';

const ASDU = 'iec60870_asdu';
const FIELDS = {
  port: 'tcp.srcport',
  kind: 'iec60870_104.type',
  function: 'iec60870_104.utype',
  malformed: '_ws.malformed',
  severity: '_ws.expert.severity',
  type: `${ASDU}.typeid`,
  cause: `${ASDU}.causetx`,
  negative: `${ASDU}.nega`,
  station: `${ASDU}.addr`,
  address: `${ASDU}.ioa`,
  float: `${ASDU}.float`,
  state: `${ASDU}.siq.spi`,
  scaled: `${ASDU}.scalval`,
  total: `${ASDU}.bcr.count`,
  invalid: `${ASDU}.qds.iv`,
  notTopical: `${ASDU}.qds.nt`,
  stateInvalid: `${ASDU}.siq.iv`,
  minute: `${ASDU}.cp56time.min`,
  hour: `${ASDU}.cp56time.hour`,
  ms: `${ASDU}.cp56time.ms`,
  day: `${ASDU}.cp56time.day`,
  month: `${ASDU}.cp56time.month`,
  year: `${ASDU}.cp56time.year`,
} as const;
type Row = Record<keyof typeof FIELDS, string[]>;

const VALUES: Readonly<Record<string, number>> = {
  power: 412.5,
  running: 1,
  energy: 123_456_789,
  temperature: -17,
  limit: 60,
  enabled: 0,
};
/** The values of a row, whatever its type. */
const valuesOf = ({ float, state, scaled, total }: Row) => [...float, ...state, ...scaled, ...total].map(Number);
const isBit = (text: string | undefined) => text === '1' || text === 'True';
const GOOD_STAMP = Date.UTC(2026, 9, 25, 0, 30, 12, 345);

/** A link on which a master does all that it can, and every kind of answer comes. */
async function recorded(host: TestServer<Iec104Config>): Promise<Row[]> {
  const socket = connect({ port: host.port, host: '127.0.0.1' });
  const capture = new Capture();
  capture.tap(socket);
  await once(socket, 'connect');
  const master = await new RawMaster(socket).start();
  const till = async (type: number, cause: number, act: () => void) => {
    const from = master.received.length;
    act();
    await master.next(from, (one) => one.type === type && one.cause === cause);
  };
  await till(100, 10, () => master.ask({ type: 100, cause: 6, more: [20] }));
  await till(101, 10, () => master.ask({ type: 101, cause: 6, more: [5] }));
  await till(103, 7, () => master.ask({ type: 103, cause: 6, more: [0, 0, 0, 0, 1, 1, 26] }));
  await master.read(host.entry('inv-01', 'power'));
  await till(30, 3, () => host.set({ asset: 'inv-01', point: 'running', value: 0, timeMs: GOOD_STAMP + 1 }));
  await till(36, 3, () => host.set({ asset: 'inv-01', point: 'power', value: 9.25, timeMs: GOOD_STAMP + 2 }));
  const limit = host.entry('inv-01', 'limit', 'control');
  await master.command({ entry: limit, value: 55.5 });
  host.controls.script = () => refusal('RANGE');
  await master.command({ entry: limit, value: 99 });
  await master.command({ entry: host.entry('inv-02', 'enabled', 'control'), value: 1 });
  for (const [type, cause, station, address] of [
    [45, 6, 1, 999_999],
    [45, 6, 77, 1],
    [45, 3, 1, 1],
  ] as const) {
    const from = master.received.length;
    master.ask({ type, cause, station, address, more: [1] });
    await master.next(from, ({ isNegative }) => isNegative);
  }
  master.control(0x43);
  master.control(0x13);
  await master.until(() => !master.isStarted, 'STOPDT con');
  expect(master.faults).toEqual([]);
  master.close();
  return capture
    .read(Object.values(FIELDS))
    .map((row) => Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, row[field] ?? []])) as Row);
}

describe('a recorded link', () => {
  it('is read by tshark without a malformed frame, and with the values that were served', async ({ skip }) => {
    if (!hasTshark()) return skip('tshark is not installed: nobody else reads the octets');
    const host = testServerHost(server, { config: { address: '127.0.0.1', port: 0, timezone: 'UTC' } });
    try {
      await host.listen();
      for (const [point, value] of Object.entries(VALUES)) {
        host.set({ asset: 'inv-01', point, value, timeMs: GOOD_STAMP });
        host.set({ asset: 'inv-02', point, value: value / 2, timeMs: GOOD_STAMP, quality: uncertain('stale') });
      }
      host.set({
        asset: 'inv-02',
        point: 'power',
        value: Number.NaN,
        timeMs: GOOD_STAMP,
        quality: bad('not-connected'),
      });
      const rows = await recorded(host);
      expect(rows.length).toBeGreaterThan(30);
      expect(rows.flatMap(({ malformed, severity }) => [...malformed, ...severity])).toEqual([]);
      expect(rows.every(({ kind }) => kind.length === 1)).toBe(true);

      const served = rows.filter(({ port, type }) => port[0] === '2404' && type.length > 0);
      const data = (cause: number) =>
        served.filter((row) => Number(row.cause[0]) === cause && Number(row.type[0]) < 45);
      // Interrogation: every value of the plan, once, as it was.
      const shown = new Map(
        [...data(20), ...data(37)].flatMap((row) => valuesOf(row).map((value, i) => [addressOf(row, i), value])),
      );
      const points = host.plan.entries.filter(({ role, asset }) => role === 'value' && asset !== undefined);
      expect(points).toHaveLength(12);
      for (const entry of points) expect([entry.id, shown.get(entry.address)]).toEqual([entry.id, servedOf(entry)]);
      const lost = data(20).find((row) =>
        row.address.map(Number).includes(host.entry('inv-02', 'power').address),
      ) as Row;
      const at = lost.address.map(Number).indexOf(host.entry('inv-02', 'power').address);
      expect([isBit(lost.invalid[at]), isBit(lost.notTopical[at])]).toEqual([true, true]);

      // Events with their stamps.
      const events = data(3).flatMap((row) => row.address.map((address, i) => ({ address: Number(address), row, i })));
      const stampOf = ({ row, i }: { row: Row; i: number }) => {
        const [year, month, day, hour, minute, ms] = [row.year, row.month, row.day, row.hour, row.minute, row.ms].map(
          (all) => Number(all[i]),
        );
        return Date.UTC(2_000 + (year as number), (month as number) - 1, day, hour, minute) + (ms as number);
      };
      const state = events.filter(({ address }) => address === host.entry('inv-01', 'running').address).at(-1);
      const power = events.filter(({ address }) => address === host.entry('inv-01', 'power').address).at(-1);
      if (!state || !power) throw new Error('an event is missing');
      expect([valuesOf(state.row)[state.i], stampOf(state)]).toEqual([0, GOOD_STAMP + 1]);
      expect([valuesOf(power.row)[power.i], stampOf(power)]).toEqual([9.25, GOOD_STAMP + 2]);

      // Answers: confirmations, terminations, refusals.
      const answers = served
        .filter(({ type }) => Number(type[0]) >= 45)
        .map(({ type, cause, negative }) => [Number(type[0]), Number(cause[0]), isBit(negative[0])]);
      for (const answer of [
        [100, 7, false],
        [100, 10, false],
        [101, 7, false],
        [101, 10, false],
        [103, 7, false],
        [50, 7, false],
        [50, 10, false],
        [50, 7, true],
        [45, 7, true],
        [45, 47, true],
        [45, 46, true],
        [45, 45, true],
      ])
        expect(answers).toContainEqual(answer);
      expect(rows.filter(({ function: name }) => name.length > 0)).toHaveLength(6);
    } finally {
      await host.close();
    }
  }, 30_000);
});

function servedOf(entry: PlanEntry): number {
  const value = VALUES[entry.point as string] as number;
  if (entry.id === 'inv-02/power') return 0;
  return toWire(entry, entry.asset === 'inv-01' ? value : value / 2).value;
}

/** With SQ = 1 only the first address is written. */
function addressOf(row: Row, i: number): number {
  return row.address.length > i ? Number(row.address[i]) : Number(row.address[0]) + i;
}
