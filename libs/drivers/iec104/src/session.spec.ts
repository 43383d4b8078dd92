import { DriverFaultError, type SampleWriter, type Tag, type WriteResult } from '@busbar/driver-sdk';
import { CollectingWriter, seededRandom, until } from '@busbar/driver-testkit';
import { qualityText } from '@busbar/model';
import { timeTagOctets, toTimeTag, UTC } from '@busbar/protocol-iec104';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultyStation } from '../simulator/faulty-station.js';
import type { StationMessage } from '../simulator/station-link.js';
import { type Iec104Address, parseAddress } from './address.js';
import { Iec104Client } from './client.js';
import { connectionSchema, deviceSchema, quirksSchema } from './connection.js';
import { iec104Driver } from './driver.js';
import { type PlannedRound, planRounds } from './plan.js';

const STATION = 3;
const STAMP_MS = Date.now() - 60_000;
const STAMP = [...timeTagOctets(toTimeTag(STAMP_MS, UTC), 7)];

let station: FaultyStation;
let second: FaultyStation;
const clients: Iec104Client[] = [];
const aborts: AbortController[] = [];
let warnings: string[];

beforeEach(async () => {
  warnings = [];
  station = await FaultyStation.start();
  second = await FaultyStation.start();
});

afterEach(async () => {
  for (const abort of aborts.splice(0)) abort.abort();
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all([station.close(), second.close()]);
});

async function open(more: object = {}, readOnly = false): Promise<Iec104Client> {
  const client = await Iec104Client.connect(
    {
      connection: connectionSchema.parse({ ...station.connection, ...more }),
      readOnly,
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      log: { debug() {}, warn: (fields, message) => warnings.push(`${message} ${JSON.stringify(fields)}`) },
      frame() {},
      secret: async () => '',
    },
    new AbortController().signal,
  );
  clients.push(client);
  return client;
}

function tagOf(address: string, index: number, writeMode?: string): Tag<Iec104Address> {
  const parsed = parseAddress(address);
  if ('problem' in parsed) throw new Error(parsed.problem.reason);
  const rest = { type: undefined, count: 1, length: undefined, order: 'ABCD', access: 'r', writeMode } as const;
  return { index, address: parsed, ...rest };
}

interface Seen {
  readonly list: string[];
  readonly times: number[];
  readonly ended: Promise<string>;
  stop(): void;
}

/** What a subscription puts: `address value quality`. */
function subscribe(client: Iec104Client, addresses: readonly string[], device: object = {}): Seen {
  const list: string[] = [];
  const times: number[] = [];
  const out = {
    put: (tag: number, value: number, quality: number, time: number) => {
      list.push(`${addresses[tag]} ${value} ${qualityText(quality)}`);
      times.push(time);
    },
  } as unknown as SampleWriter;
  const abort = new AbortController();
  aborts.push(abort);
  const input = {
    device: deviceSchema.parse({ ca: STATION, interrogation: 0, counters: 0, ...device }),
    quirks: quirksSchema.parse({}),
    tags: addresses.map((address, index) => tagOf(address, index)),
  };
  const subscription = iec104Driver.subscribe?.(client, input, out, abort.signal) as Promise<void>;
  const ended = subscription.then(
    () => 'stopped',
    (error) => (error instanceof DriverFaultError ? error.fault.kind : String(error)),
  );
  return { list, times, ended, stop: () => abort.abort() };
}

function write(
  client: Iec104Client,
  address: string,
  value: number | boolean,
  more: object = {},
): Promise<WriteResult> {
  const { writeMode, ...quirks } = more as { writeMode?: string };
  const command = {
    ...tagOf(address, 0, writeMode),
    device: deviceSchema.parse({ ca: STATION }),
    quirks: quirksSchema.parse(quirks),
    value,
  };
  return iec104Driver.write?.(client, command, new AbortController().signal) as Promise<WriteResult>;
}

const monitored = (message: Omit<StationMessage, 'station'>): StationMessage => ({ station: STATION, ...message });
const asked = (type: number) => station.received.filter((asdu) => asdu.type === type).length;

describe('what a station sends by itself', () => {
  it('begins with an interrogation, and one of totals where there are any', async () => {
    const seen = subscribe(await open(), ['M_SP:3', 'M_IT:25601', 'M_ME:1', 'M_EP:9']);
    await until(() => seen.list.length === 4, 'all are told');
    expect(seen.list.sort()).toEqual([
      'M_EP:9 NaN bad never-read',
      'M_IT:25601 25601000 good',
      'M_ME:1 NaN bad refused-address',
      'M_SP:3 1 good',
    ]);
    expect([asked(100), asked(101)]).toEqual([1, 1]);
    seen.stop();
    expect(await seen.ended).toBe('stopped');
  });

  it('comes with its time, in order, whatever else is under way', async () => {
    const seen = subscribe(await open(), ['M_SP:3']);
    await until(() => seen.list.length === 1, 'it was interrogated');
    for (const state of [0, 1, 0]) station.push(monitored({ type: 30, cause: 3, objects: [[3, [state, ...STAMP]]] }));
    await until(() => seen.list.length === 4, 'the events came');
    expect(seen.list.slice(1)).toEqual(['M_SP:3 0 good', 'M_SP:3 1 good', 'M_SP:3 0 good']);
    expect(seen.times.slice(1)).toEqual(Array(3).fill(STAMP_MS));
  });

  it('is lost in no moment, not even right after the start', async () => {
    station.greeting = [0, 1].map((state) => monitored({ type: 30, cause: 3, objects: [[3, [state, ...STAMP]]] }));
    const seen = subscribe(await open(), ['M_SP:3']);
    await until(() => seen.list.length === 3, 'it was interrogated');
    expect(seen.list).toEqual(['M_SP:3 0 good', 'M_SP:3 1 good', 'M_SP:3 1 good']);
    expect(seen.times.slice(0, 2)).toEqual([STAMP_MS, STAMP_MS]);
  });

  it('needs a common address that the link can carry', async () => {
    expect(await subscribe(await open({ caOctets: 1 }), ['M_SP:3'], { ca: 300 }).ended).toBe('invalid-config');
  });

  it('is not taken from tests, other stations, unknown types or malformed messages, which end nothing', async () => {
    const client = await open();
    const seen = subscribe(client, ['M_SP:3']);
    await until(() => seen.list.length === 1, 'it was interrogated');
    station.push(
      monitored({ type: 1, cause: 3, objects: [[3, [0]]], isTest: true }),
      { type: 1, cause: 3, station: STATION + 1, objects: [[3, [0]]] },
      monitored({ type: 200, cause: 3, objects: [[3, [0]]] }),
      monitored({ type: 200, cause: 3, objects: [[3, [0]]] }),
      monitored({ type: 1, cause: 3, objects: [[3, [0, 0]]] }),
      monitored({ type: 1, cause: 3, objects: [[3, [0x81]]] }),
    );
    await until(() => seen.list.length === 2, 'the last came');
    expect(seen.list[1]).toBe('M_SP:3 1 bad device');
    expect(client.session.counts).toMatchObject({ tests: 1, unknownTypes: 2, malformed: 1 });
    expect(warnings.filter((text) => text.includes('type 200'))).toHaveLength(1);
  });

  it('is asked for again each period, and when the station has begun anew', async () => {
    const seen = subscribe(await open(), ['M_SP:3'], { interrogation: 30 });
    await until(() => asked(100) >= 3, 'three interrogations');
    seen.stop();
    await seen.ended;
    const once = subscribe(await open(), ['M_SP:3']);
    await until(() => once.list.length === 1, 'it was interrogated');
    const before = asked(100);
    station.push(monitored({ type: 70, cause: 4, objects: [[0, [0]]] }));
    await until(() => asked(100) === before + 1, 'it is interrogated again');
  });

  it('survives a refused interrogation: what is not told is bad, events are still taken', async () => {
    station.choose(() => 'refused');
    const seen = subscribe(await open(), ['M_SP:3']);
    await until(() => seen.list.length === 1, 'it was told');
    expect(seen.list).toEqual(['M_SP:3 NaN bad refused-address']);
    station.push(monitored({ type: 1, cause: 3, objects: [[3, [1]]] }));
    await until(() => seen.list.length === 2, 'the event came');
  });

  it('ends with no-answer when the station does not answer, and the link goes on', async () => {
    station.choose(() => 'silent');
    const client = await open();
    expect(await subscribe(client, ['M_SP:3']).ended).toBe('no-answer');
    station.choose(null);
    const seen = subscribe(client, ['M_SP:3']);
    await until(() => seen.list.includes('M_SP:3 1 good'), 'it answers again');
  });

  it('ends with connection-lost when the link is cut during the interrogation', async () => {
    station.choose(() => 'cut after the confirmation');
    expect(await subscribe(await open(), ['M_SP:3']).ended).toBe('connection-lost');
  });
});

describe('times and windows of the link', () => {
  it('a silent link is tested after t3, and ends when the test is not confirmed within t1', async () => {
    const client = await open({ t1: 60, t2: 30, t3: 40 });
    const [link] = station.links;
    await until(() => (link?.functions.filter((one) => one === 0x43).length ?? 0) >= 2, 'two tests, both confirmed');
    expect(client.session.ended).toBe(null);
    if (link) link.confirmsTests = false;
    await until(() => client.session.ended !== null, 'the link is given up');
    expect(client.session.ended?.message).toContain('t1-test');
  });

  it('what came is acknowledged after w frames, or after t2', async () => {
    await open({ w: 3, t2: 40 });
    const [link] = station.links;
    const event = monitored({ type: 1, cause: 3, objects: [[3, [1]]] });
    station.push(event, event, event, event);
    await until(() => link?.acknowledged.length === 2, 'both acknowledgements');
    expect(link?.acknowledged).toEqual([3, 4]);
  });
});

describe('an interrogation on demand', () => {
  const read = async (client: Iec104Client, addresses: readonly string[]): Promise<Record<string, string>> => {
    const tags = addresses.map((address, index) => tagOf(address, index));
    const [request] = planRounds({ device: deviceSchema.parse({ ca: STATION }), tags });
    const out = new CollectingWriter();
    await iec104Driver.poll?.read(client, request as PlannedRound, out, new AbortController().signal);
    return Object.fromEntries(
      [...out.samples].map(([tag, { value, quality }]) => [addresses[tag], `${value} ${qualityText(quality)}`]),
    );
  };

  it('is not ended by the termination of an earlier one that was given up', async () => {
    const client = await open();
    station.choose(() => 'silent');
    await expect(read(client, ['M_SP:3'])).rejects.toThrow('no-answer');
    const reading = read(client, ['M_SP:3', 'M_SP:4']);
    await until(() => asked(100) === 2, 'the second was sent');
    const mirror = (cause: number) => monitored({ type: 100, cause, objects: [[0, [20]]] });
    station.push(mirror(7), mirror(10), mirror(7));
    station.push(
      monitored({
        type: 1,
        cause: 20,
        objects: [
          [3, [1]],
          [4, [0]],
        ],
      }),
      mirror(10),
    );
    expect(await reading).toEqual({ 'M_SP:3': '1 good', 'M_SP:4': '0 good' });
  });

  it('takes the newest value that comes while it is answered', async () => {
    const client = await open();
    station.choose(() => 'silent');
    const reading = read(client, ['M_SP:3']);
    await until(() => asked(100) === 1, 'it was sent');
    const mirror = (cause: number) => monitored({ type: 100, cause, objects: [[0, [20]]] });
    const point = (cause: number, state: number) => monitored({ type: 1, cause, objects: [[3, [state]]] });
    station.push(mirror(7), point(20, 0), point(3, 1), mirror(10));
    expect(await reading).toEqual({ 'M_SP:3': '1 good' });
  });

  it('of a station that the address does not have is refused', async () => {
    const client = await open();
    station.choose(() => 'unknown station');
    expect(await read(client, ['M_SP:3'])).toEqual({ 'M_SP:3': 'NaN bad refused-address' });
  });
});

describe('messages of random octets', () => {
  it('end nothing, whatever they hold', async () => {
    const client = await open({ w: 32_767 });
    const seen = subscribe(client, ['M_SP:3']);
    await until(() => seen.list.length === 1, 'it was interrogated');
    const random = seededRandom(104);
    for (let i = 0; i < 3_000; i++) {
      const octets = Uint8Array.from({ length: 1 + Math.floor(random() * 60) }, () => Math.floor(random() * 256));
      // Half of them of a known type, from this station.
      if (i % 2 === 0) octets.set([1 + (i % 107), 1, 3, 0, STATION, 0].slice(0, octets.length));
      for (const link of station.links) link.raw(link.frame(octets));
    }
    station.push(monitored({ type: 1, cause: 3, objects: [[3, [0x81]]] }));
    await until(() => seen.list.at(-1) === 'M_SP:3 1 bad device', 'what comes after them is taken');
    expect(client.session.ended).toBe(null);
  });
});

describe('the clock and the test command', () => {
  it('are given at the start when they are wanted', async () => {
    subscribe(await open(), ['M_SP:3'], { clockSync: '1h', test: '1h' });
    await until(() => asked(103) === 1 && asked(107) === 1, 'both came');
    const clock = station.received.find(({ type }) => type === 103);
    const [ms, minute, hour] = [clock?.element.readUInt16LE(0), clock?.element[2], clock?.element[3]];
    const now = new Date();
    expect(
      Math.abs(now.getUTCHours() * 60 + now.getUTCMinutes() - (hour as number) * 60 - (minute as number)) % 1_439,
    ).toBeLessThanOrEqual(1);
    expect(ms).toBeLessThan(60_000);
  });

  it('a read-only connection sets no clock', async () => {
    subscribe(await open({}, true), ['M_SP:3'], { clockSync: '1h', test: '1h' });
    await until(() => asked(107) === 1, 'the test came');
    expect(asked(103)).toBe(0);
  });
});

describe('commands', () => {
  it('are done when they are terminated, or confirmed where no termination is expected', async () => {
    const client = await open();
    expect(await write(client, 'C_SE_NB:25090', 5)).toEqual({ outcome: 'done' });
    station.choose(() => 'no end');
    expect(await write(client, 'C_SE_NB:25090', 6, { termination: false })).toEqual({ outcome: 'done' });
    expect(await write(client, 'C_SE_NB:25090', 7)).toMatchObject({
      outcome: 'unknown',
      answer: expect.stringContaining('confirmed, but'),
    });
    expect(station.written()).toEqual([5, 6, 7]);
  });

  it('are refused by a negative confirmation and by an unknown object, and the link goes on', async () => {
    const client = await open();
    station.choose(() => 'refused');
    expect(await write(client, 'C_SE_NB:25090', 5)).toMatchObject({
      outcome: 'refused',
      answer: expect.stringContaining('negative'),
    });
    station.choose(null);
    expect(await write(client, 'C_SC:1', true)).toEqual({ outcome: 'refused', answer: 'unknown object address' });
    expect(await write(client, 'C_SE_NB:25090', 5)).toEqual({ outcome: 'done' });
  });

  it('with select are selected first, and executed once after the confirmation', async () => {
    const client = await open();
    const ended = await write(client, 'C_SE_NB:25090', 5, { writeMode: 'select' });
    expect(ended).toEqual({ outcome: 'done' });
    expect(station.received.map(({ element }) => element.at(-1))).toEqual([0x80, 0]);
    expect(station.written()).toEqual([5]);
  });

  it('whose selection is refused or not answered are not executed', async () => {
    const client = await open();
    station.choose(() => 'refused');
    expect(await write(client, 'C_SE_NB:25090', 5, { writeMode: 'select' })).toMatchObject({ outcome: 'refused' });
    station.choose(() => 'silent');
    expect(await write(client, 'C_SE_NB:25090', 5, { writeMode: 'select' })).toMatchObject({
      outcome: 'refused',
      sessionEnded: true,
    });
    expect(station.received).toHaveLength(2);
    expect(station.written()).toEqual([]);
  });

  it('carry pulse, double state and time as they are asked to', async () => {
    const client = await open({ timeout: 200 });
    await write(client, 'C_SC:1', true, { writeMode: 'short-pulse' });
    await write(client, 'C_DC:1', false, { writeMode: 'persistent' });
    await write(client, 'C_RC:1', 2);
    await write(client, 'C_SC:1', true, { commandTime: true });
    expect(station.received.map(({ type, element }) => [type, element[0], element.length])).toEqual([
      [45, 0x05, 1],
      [46, 0x0d, 1],
      [47, 0x02, 1],
      [58, 0x01, 8],
    ]);
  });

  it('that cannot be carried exactly are not sent', async () => {
    const client = await open();
    for (const [address, value] of [
      ['C_DC:1', 3],
      ['C_SE_NA:1', 1.5],
      ['C_SE_NB:1', 0.5],
      ['C_SC:1', 2],
    ] as const) {
      expect(await write(client, address, value), address).toMatchObject({ outcome: 'not-sent' });
    }
    expect(station.received).toEqual([]);
  });
});

describe('two addresses of a station', () => {
  const both = () => open({ secondHost: '127.0.0.1', secondPort: second.connection.port });
  const started = (one: FaultyStation) => one.links.filter((link) => link.isStarted).length;

  it('are both connected, and one is started', async () => {
    await both();
    await until(() => station.openLinks() + second.openLinks() === 2, 'both are connected');
    expect(started(station) + started(second)).toBe(1);
  });

  it('take over from each other, interrogated anew and counted', async () => {
    const client = await both();
    await until(() => station.openLinks() + second.openLinks() === 2, 'both are connected');
    const [active, standby] = started(station) === 1 ? [station, second] : [second, station];
    const seen = subscribe(client, ['M_SP:3']);
    await until(() => seen.list.length === 1, 'it was interrogated');
    active.cut();
    await until(() => seen.list.length === 2, 'it was interrogated by the other');
    expect(standby.received.map(({ type }) => type)).toEqual([100]);
    expect(client.session.counts.switchOvers).toBe(1);
    expect(warnings.some((text) => text.includes('took over'))).toBe(true);
    await until(() => active.openLinks() === 1, 'the first is connected again');
    standby.cut();
    await until(() => seen.list.length === 3, 'back again');
    expect(client.session.counts.switchOvers).toBe(2);
  });

  it('end a command on the lost one unknown, and do not repeat it on the other', async () => {
    const client = await both();
    await until(() => station.openLinks() + second.openLinks() === 2, 'both are connected');
    const [active, standby] = started(station) === 1 ? [station, second] : [second, station];
    active.choose(() => 'silent');
    const writing = write(client, 'C_SE_NB:25090', 5);
    active.cut();
    expect(await writing).toMatchObject({ outcome: 'unknown', reason: 'LINK_LOST', sessionEnded: false });
    await until(() => started(standby) === 1, 'the other took over');
    expect(await write(client, 'C_SE_NB:25090', 6)).toEqual({ outcome: 'done' });
    expect([station.written(), second.written()].flat()).toEqual([6]);
  });

  it('are enough when only one of them can be reached', async () => {
    const port = second.connection.port as number;
    await second.close();
    const client = await open({ secondHost: '127.0.0.1', secondPort: port });
    const seen = subscribe(client, ['M_SP:3']);
    await until(() => seen.list.length === 1, 'it was interrogated');
    station.cut();
    expect(await seen.ended).toBe('connection-lost');
  });
});
