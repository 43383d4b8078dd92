import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PointsView, RequestView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../harness/ports.js';
import { PythonPeer, pythonWith } from '../harness/python-peer.js';
import { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

interface ForeignTag {
  readonly id: string;
  readonly address: string;
  readonly type: string;
  readonly access?: string;
  readonly writeMode?: string;
  readonly expected?: number | boolean | null;
  readonly quality?: string;
}

interface Command {
  readonly address: number;
  readonly value: number;
}

const python = pythonWith('c104');
if (!python) process.stdout.write('SKIPPED, not installed here: c104 (PyPI)\n');

let folder: string;
let station: PythonPeer;
let site: Site;
let tags: readonly ForeignTag[];

function packageFor(port: number): string {
  const target = join(folder, 'package');
  mkdirSync(join(target, 'points'), { recursive: true });
  writeFileSync(
    join(target, 'busbar.yaml'),
    `apiVersion: busbar/v1
site: { id: foreign, title: Foreign station, timezone: UTC }
connections:
  foreign:
    driver: iec104
    readOnly: false
    with: { host: 127.0.0.1, port: ${port}, timeout: 3s }
    devices:
      dev:
        table: foreign
        with: { ca: 7, timezone: UTC, interrogation: 0s, counters: 0s, clockSync: 1h }
        # c104 confirms commands and sends no termination.
        quirks: { termination: false }
control:
  default: { priority: [ operator ], expiry: 10s, hold: 0s }
`,
  );
  const rows = tags.map(({ id, address, type, access = 'r', writeMode = '' }) =>
    [id, address, type, access, writeMode].join(','),
  );
  writeFileSync(join(target, 'points', 'foreign.csv'), `id,address,type,access,writeMode\n${rows.join('\n')}\n`);
  return target;
}

async function values(): Promise<Map<string, PointsView['points'][number]>> {
  const { points } = (await site.api<PointsView>('/points')).body;
  return new Map(points.map((point) => [point.point.id, point]));
}

const send = (address: number, value: number, time = 0) => station.ask<boolean>({ do: 'send', address, value, time });

async function command(point: string, value: number | boolean): Promise<RequestView['end']> {
  const body = JSON.stringify({ id: `write-${point}-${value}`, point: `dev/${point}`, value });
  return (await site.api<RequestView>('/control/requests', { method: 'POST', body })).body.end;
}

describe.skipIf(!python)('an IEC 104 station that we did not write', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-foreign-'));
    const port = await freePorts(1);
    station = new PythonPeer(python as string, 'iec104_server.py', String(port));
    tags = await station.ask<ForeignTag[]>({ do: 'tags' });
    site = await Site.start({ package: packageFor(port), simulator: false, cloud: false });
  });

  afterAll(async () => {
    await site?.stop();
    await station?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows every type of its interrogations with value and quality', async () => {
    const readable = tags.filter(({ expected }) => expected !== undefined);
    const seen = await until('everything was told', async () => {
      const now = await values();
      return readable.every(({ id, quality }) => now.get(id)?.quality.startsWith(quality ?? '') === true) && now;
    });
    const shown = readable.map(({ id, quality }) => [id, quality === 'bad' ? null : seen.get(id)?.value]);
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(readable.map(({ id, expected }) => [id, expected])));
  });

  it('follows what the station sends by itself', async () => {
    expect(await send(2, 1)).toBe(true);
    await until('the point is on', async () => (await values()).get('p2')?.value === true);
    await send(16_386, 321);
    await until('the value is there', async () => (await values()).get('p16386')?.value === 321);
  });

  it('keeps the time of the source', async () => {
    const stamp = Date.now() - 3_600_000;
    await send(101, 1, stamp);
    await send(102, -7.5, stamp);
    const now = await until('both events are there', async () => {
      const seen = await values();
      return seen.get('p101')?.value === true && seen.get('p102')?.value === -7.5 && seen;
    });
    for (const id of ['p101', 'p102']) expect(now.get(id)?.sourceTime).toBe(stamp);
  });

  it.each([
    ['switch', true, { address: 24_577, value: 1 }],
    ['breaker', true, { address: 24_578, value: 2 }],
    ['normalized', -0.5, { address: 25_089, value: -0.5 }],
    ['scaled', -321, { address: 25_090, value: -321 }],
    ['float', 12.5, { address: 25_091, value: 12.5 }],
  ] as const)('gives the command %s, and the station has it once', async (point, value, wanted) => {
    expect(await command(point, value)).toMatchObject({ kind: 'executed' });
    const received = await station.ask<Command[]>({ do: 'received' });
    expect(received.filter(({ address }) => address === wanted.address)).toEqual([wanted]);
  });

  it('hears the no of the station', async () => {
    expect(await command('refused', true)).toMatchObject({ kind: 'failed' });
  });

  it('says that it is gone, and comes back with the present values', async () => {
    await station.ask({ do: 'cut' });
    await send(16_386, 99);
    await until('the value of after the cut is there', async () => {
      const point = (await values()).get('p16386');
      return point?.value === 99 && point.quality === 'good';
    });
  });
});
