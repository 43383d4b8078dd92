import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PointsView, RequestView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mosquittoProgram, startMosquitto } from '../../tools/servers/mosquitto.mjs';
import { freePorts } from '../harness/ports.js';
import { root } from '../harness/program.js';
import { hasProgram, pythonWith } from '../harness/python-peer.js';
import { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

interface ForeignTag {
  readonly id: string;
  readonly address: string;
  readonly type: string;
  readonly order?: string;
  readonly length?: number;
  readonly scale?: number;
  readonly access?: string;
  readonly expected?: number | string | boolean | null;
}

const python = pythonWith('pymodbus');
const lacking = [
  python ? '' : 'pymodbus (PyPI)',
  hasProgram('mbpoll') ? '' : 'mbpoll',
  mosquittoProgram() && hasProgram('mosquitto_sub') ? '' : 'mosquitto and mosquitto-clients',
].filter((name) => name !== '');
if (lacking.length > 0) process.stdout.write(`SKIPPED, not installed here: ${lacking.join(', ')}\n`);

let folder: string;
let port: number;
let tags: ForeignTag[] = [];
let server: ChildProcess;
let broker: Awaited<ReturnType<typeof startMosquitto>>;
let site: Site;

function packageFor(list: readonly ForeignTag[], mqtt: string): string {
  const target = join(folder, 'package');
  mkdirSync(join(target, 'points'), { recursive: true });
  writeFileSync(
    join(target, 'busbar.yaml'),
    `apiVersion: busbar/v1
site: { id: foreign, title: Foreign server, timezone: UTC }
connections:
  foreign:
    driver: modbus
    readOnly: false
    with: { host: 127.0.0.1, port: ${port} }
    devices:
      dev: { table: foreign, with: { unitId: 1 } }
sinks:
  out:
    sink: mqtt
    with: { url: "${mqtt}", topic: "seen/$asset" }
    send: [ "*" ]
control:
  default: { priority: [ operator ], expiry: 10s, hold: 0s }
`,
  );
  const rows = list.map(({ id, address, type, order = '', length = '', scale = '', access = 'r' }) =>
    [id, address, type, order, length, scale, access, '500ms'].join(','),
  );
  writeFileSync(
    join(target, 'points', 'foreign.csv'),
    `id,address,type,order,length,scale,access,group\n${rows.join('\n')}\n`,
  );
  return target;
}

async function values(): Promise<Map<string, PointsView['points'][number]>> {
  const { points } = (await site.api<PointsView>('/points')).body;
  return new Map(points.map((point) => [point.point.id, point]));
}

function mbpoll(options: readonly string[], write: readonly string[] = []): string {
  const args = ['-0', '-1', '-m', 'tcp', '-p', String(port), '-a', '1', ...options, '127.0.0.1', ...write];
  return execFileSync('mbpoll', args, { encoding: 'utf8' });
}

/** The number that mbpoll prints behind `[address]:`. */
function polled(type: string, address: number, options: readonly string[] = []): number {
  const said = mbpoll(['-t', type, '-r', String(address), '-c', '1', ...options]);
  return Number(/\[\d+\]:\s+(\S+)/.exec(said)?.[1]);
}

const addressOf = (id: string) => Number(tags.find((tag) => tag.id === id)?.address.split(':')[1]);

describe.skipIf(lacking.length > 0)('a Modbus server that we did not write', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-foreign-'));
    port = await freePorts(1);
    server = spawn(python as string, [join(root, 'e2e', 'peers', 'pymodbus_server.py'), String(port)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    server.stdout?.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    tags = await until('pymodbus tells its tags', () =>
      said.includes('\n') ? (JSON.parse(said) as ForeignTag[]) : undefined,
    );
    broker = await startMosquitto(join(folder, 'mosquitto'));
    site = await Site.start({ package: packageFor(tags, broker.url), simulator: false, cloud: false });
  });

  afterAll(async () => {
    await site?.stop();
    await broker?.stop();
    server?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows every type in every byte order as Python packed it', async () => {
    const readable = tags.filter(({ expected }) => expected !== undefined);
    const seen = await until('all tags are good', async () => {
      const now = await values();
      return readable.every(({ id }) => now.get(id)?.quality === 'good') && now;
    });
    const shown = Object.fromEntries(readable.map(({ id }) => [id, seen.get(id)?.value]));
    expect(shown).toEqual(Object.fromEntries(readable.map(({ id, expected }) => [id, expected])));
  });

  it('agrees with mbpoll', async () => {
    const now = await values();
    // mbpoll prints six digits.
    const shown = Number(Number(now.get('holding_float32_ABCD')?.value).toPrecision(6));
    expect(polled('4:float', addressOf('holding_float32_ABCD'), ['-B'])).toBe(shown);
    expect(polled('4:int', addressOf('holding_int32_ABCD'), ['-B'])).toBe(now.get('holding_int32_ABCD')?.value);
    expect(polled('3:int', addressOf('input_int32_CDAB'))).toBe(now.get('input_int32_CDAB')?.value);
    expect(polled('4', addressOf('holding_uint16_ABCD'))).toBe(now.get('holding_uint16_ABCD')?.value);
    expect(polled('0', 7)).toBe(1);
    expect(now.get('coil_on')?.value).toBe(true);
  });

  it('follows a change that mbpoll makes', async () => {
    mbpoll(['-t', '4', '-r', '410'], ['1234']);
    await until('the change is seen', async () => (await values()).get('word')?.value === 1234);
  });

  it.each([
    ['setting', -12.5, () => polled('4:float', 400)],
    ['word', -321, () => polled('4', 410) - 65_536],
    ['switch', true, () => polled('0', 20) === 1],
  ] as const)('writes %s, and mbpoll reads it back', async (point, value, readBack) => {
    const ask = { id: `write-${point}`, point: `dev/${point}`, value };
    const { status, body } = await site.api<RequestView>('/control/requests', {
      method: 'POST',
      body: JSON.stringify(ask),
    });
    expect({ status, end: body.end?.kind }).toEqual({ status: 200, end: 'executed' });
    expect(readBack()).toBe(value);
  });

  it('sends them through the MQTT sink, where mosquitto_sub sees them', async () => {
    const args = ['-h', '127.0.0.1', '-p', String(broker.port), '-t', 'seen/dev', '-C', '1', '-W', '20'];
    const message = JSON.parse(execFileSync('mosquitto_sub', args, { encoding: 'utf8' })) as {
      readonly asset: string;
      readonly points: Readonly<Record<string, number | string | boolean>>;
    };
    expect(message.asset).toBe('dev');
    const sent = tags.filter(({ id, expected }) => expected !== undefined && id in message.points);
    expect(sent.length).toBeGreaterThan(10);
    for (const { id, expected } of sent) expect({ id, value: message.points[id] }).toEqual({ id, value: expected });
  });
});
