import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { editPackage } from '../harness/edit-package.js';
import { Program } from '../harness/program.js';
import { Site } from '../harness/site.js';

let site: Site | undefined;

afterEach(async () => {
  await site?.stop();
  site = undefined;
});

/** Starts the product alone on a changed package; what it says until it ends. */
async function startWith(change: (folder: string) => void): Promise<{ code: number | null; said: string }> {
  site = await Site.prepare({ simulator: false, cloud: false });
  change(site.package);
  const program = site.program('standalone');
  program.start();
  const code = await program.closed();
  return { code, said: program.output };
}

describe('a package with a mistake', () => {
  it.each([
    ['broken YAML', (f: string) => appendFileSync(join(f, 'busbar.yaml'), '\nsite: [\n'), 'YAML_'],
    ['an unknown field', (f: string) => editPackage(f, 'busbar.yaml', 'title:', 'titel:'), 'FIELD_UNKNOWN'],
    [
      'an address that does not parse',
      (f: string) => editPackage(f, 'points/string-inverter.csv', 'holding:32080', 'holdng:32080'),
      'TAG_ADDRESS',
    ],
    [
      'a duplicate id',
      (f: string) =>
        writeFileSync(join(f, 'assets', 'twice.yaml'), 'assets:\n  plant: { title: Twice, kind: logic }\n'),
      'ID_DUPLICATE',
    ],
    [
      'a rule that is not built',
      (f: string) =>
        writeFileSync(join(f, 'triggers.yaml'), 'triggers:\n  hot: { on: "*", when: INV.CabinetTemp > 75 }\n'),
      'NOT_BUILT',
    ],
  ])('with %s does not start, and says file, line and column', async (_what, change, code) => {
    const { code: exit, said } = await startWith(change);
    expect(exit).toBe(1);
    expect(said).toContain(code);
    expect(said).toMatch(/[\w/.-]+\.(ya?ml|csv):\d+:\d+/);
  });
});

describe('a machine that is not as it should be', () => {
  it('names the setting of a port that is in use', async () => {
    site = await Site.prepare({ simulator: false, cloud: false });
    const { port } = { port: site.ports.http };
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const program = site.program('standalone');
    program.start();
    expect(await program.closed()).toBe(1);
    expect(program.output).toContain(`127.0.0.1:${port}`);
    expect(program.output).toContain('BUSBAR_HTTP');
    await new Promise((resolve) => server.close(resolve));
  });

  it('names a setting that does not exist, or is wrong', async () => {
    for (const [name, value] of [
      ['BUSBAR_HTPP', '1'],
      ['BUSBAR_HTTP', 'nowhere'],
      ['BUSBAR_BUS', 'rabbit'],
    ] as const) {
      const program = new Program('standalone', { [name]: value });
      program.start();
      expect(await program.closed()).toBe(1);
      expect(program.output).toContain(name);
    }
  });

  it('says which process holds the data folder', async () => {
    site = await Site.start({ simulator: false, cloud: false });
    const env = { BUSBAR_DATA: join(site.folder, 'data'), BUSBAR_PACKAGE: site.package, BUSBAR_HTTP: '127.0.0.1:0' };
    const second = new Program('standalone', env);
    second.start();
    expect(await second.closed()).toBe(1);
    expect(second.output).toContain(String(site.program('standalone').pid));
  });

  it('says that no broker is there, serves its health meanwhile, and stops when told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'busbar-nobroker-'));
    const mapper = new Program('mapper', {
      BUSBAR_DATA: folder,
      BUSBAR_BUS: 'kafka',
      BUSBAR_KAFKA_BROKERS: '127.0.0.1:9',
      BUSBAR_HTTP: '127.0.0.1:0',
    });
    mapper.start();
    const address = await new Promise<string>((resolve, reject) => {
      const timer = setInterval(() => {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(mapper.output)?.[0];
        if (found) {
          clearInterval(timer);
          resolve(found);
        } else if (!mapper.isRunning) {
          clearInterval(timer);
          reject(new Error(mapper.output));
        }
      }, 50);
    });
    const live = await fetch(`${address}/health/live`);
    expect(live.status).toBe(200);
    const ready = await fetch(`${address}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain('BUS_UNREACHABLE');
    expect(await mapper.stop()).toBe(0);
    rmSync(folder, { recursive: true, force: true });
  });
});
