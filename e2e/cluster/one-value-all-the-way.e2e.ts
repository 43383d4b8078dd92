import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startMosquitto } from '../../tools/servers/mosquitto.mjs';
import { root } from '../harness/program.js';
import { CLUSTER_PROGRAMS, type Servers, startServers } from '../harness/servers.js';
import { Site } from '../harness/site.js';
import { Hopeless, until } from '../harness/until.js';
import { describeOneValue } from '../scenarios/one-value.js';

let servers: Servers | undefined;
let broker: Awaited<ReturnType<typeof startMosquitto>>;
const folder = mkdtempSync(join(tmpdir(), 'busbar-mosquitto-'));

describeOneValue('one value all the way, as services on Kafka', {
  start: async () => {
    servers = await startServers();
    broker = await startMosquitto(folder);
    const lake = `sinks:\n  lake:\n    sink: mqtt\n    with: { url: "${broker.url}", topic: "plants/$site/$asset" }
    upload: { "*": REALTIME }
`;
    return Site.start({ programs: CLUSTER_PROGRAMS, env: servers.env, files: { 'cloud/lake.yaml': lake } });
  },
  restarted: ['api', 'arbiter', 'collector-1', 'mapper-2', 'uploader'],
  besides: () => {
    it('sends the same values to Mosquitto, where mosquitto_sub sees them', () => {
      const args = ['-h', '127.0.0.1', '-p', String(broker.port), '-t', 'plants/demo-pv/inv-01', '-C', '4', '-W', '90'];
      const lines = execFileSync('mosquitto_sub', args, { encoding: 'utf8' }).trim().split('\n');
      const messages = lines.map((line) => JSON.parse(line) as { asset: string; points: Record<string, number> });
      expect(new Set(messages.map(({ asset }) => asset))).toEqual(new Set(['inv-01']));
      const power = messages.map(({ points }) => points['INV.ActivePower']).find((value) => value !== undefined);
      expect(power).toBeGreaterThan(50);
    });

    it('lets a plain Nest service with the stock Kafka transport hear events and command', async () => {
      const folderOfExample = join(root, 'examples', 'nest-subscriber');
      execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', folderOfExample]);
      const env = { ...process.env, BROKERS: servers?.kafka.brokers, SITE: 'demo-pv', POINT: 'inv-04/INV.PowerLimit' };
      const subscriber = spawn(process.execPath, [join(folderOfExample, 'dist', 'main.js')], {
        env: { ...env, VALUE: '66' },
      });
      let output = '';
      for (const stream of [subscriber.stdout, subscriber.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
      try {
        await until('the end of its request', () => {
          if (subscriber.exitCode !== null) throw new Hopeless(output);
          return /ended: executed/.test(output);
        });
        expect(output).toContain('connection inverters is active');
      } catch (error) {
        throw new Error(`${String(error)}\n${output.slice(-2_000)}`);
      } finally {
        subscriber.kill('SIGKILL');
      }
    });
  },
});

afterAll(async () => {
  await servers?.stop();
  await broker?.stop();
  rmSync(folder, { recursive: true, force: true });
});
