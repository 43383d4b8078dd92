import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bus } from '@busbar/bus';
import { BusbarError, isBusbarError } from '@busbar/errors';
import { GENERATION_KEY } from '@busbar/events';
import { openStore, type Store } from '@busbar/store';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Outbox } from './outbox.js';
import { PackagePublisher } from './package-publisher.js';
import { loadPlugins } from './plugins.js';
import { Publisher } from './publisher.js';
import { eventually, openTestBus, silentLog, testClock } from './test-bus.js';

// The first creation of a database takes seconds, on a busy machine many.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const EXAMPLE = fileURLToPath(new URL('../../../examples/smallest', import.meta.url));
let template: string;

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'busbar-store-'));
  await (await openStore({ folder: template, clock: testClock, log: silentLog })).close();
});

afterAll(() => rmSync(template, { recursive: true, force: true }));

describe('publisher', () => {
  let test: Awaited<ReturnType<typeof openTestBus>>;
  let bus: Bus;
  let folder: string;
  let printed: string[];
  const publishers: Publisher[] = [];

  beforeEach(async () => {
    test = await openTestBus();
    bus = test.bus;
    folder = join(test.folder, 'package');
    cpSync(EXAMPLE, folder, { recursive: true });
    cpSync(template, join(test.folder, 'store'), { recursive: true });
    printed = [];
  });

  afterEach(async () => {
    for (const publisher of publishers.splice(0)) await publisher.stop();
    await test.dispose();
  });

  const open = () => openStore({ folder: join(test.folder, 'store'), clock: testClock, log: silentLog });

  function create(openIt: () => Promise<Store> = open): Publisher {
    const publisher = new Publisher({
      bus,
      outbox: new Outbox(bus),
      packages: new PackagePublisher(folder, loadPlugins, (line) => printed.push(line)),
      log: silentLog,
      openStore: openIt,
      applied: () => 1,
    });
    publishers.push(publisher);
    return publisher;
  }

  async function onBus(): Promise<number | undefined> {
    const table = bus.table('configuration.published.v1');
    await table.ready;
    const record = table.get(GENERATION_KEY);
    await table.stop();
    return record?.value ? JSON.parse(new TextDecoder().decode(record.value)).number : undefined;
  }

  async function stopAll(): Promise<void> {
    for (const publisher of publishers.splice(0)) await publisher.stop();
  }

  it('publishes the package folder as generation 1', async () => {
    const publisher = create();
    await publisher.prepare();
    expect(publisher.newest?.number).toBe(1);
    expect(publisher.newest?.files.map((file) => file.path)).toContain('busbar.yaml');
    publisher.start();
    await eventually(onBus).toBe(1);
    await eventually(() => publisher.diagnosis).toBeNull();
  });

  it('ends the start with every finding when the package is wrong', async () => {
    writeFileSync(join(folder, 'busbar.yaml'), 'apiVersion: busbar/v1\nnonsense: 1\n  bad');
    const error = await create()
      .prepare()
      .catch((caught: unknown) => caught);
    expect(isBusbarError(error, 'PACKAGE_INVALID')).toBe(true);
    expect(printed.length).toBeGreaterThan(0);
    expect(printed[0]).toMatch(/^busbar\.yaml:\d+:\d+ {2}[A-Z_]+ /);
  });

  it('reports a folder that differs later, and does not apply it', async () => {
    await create().prepare();
    await stopAll();
    const manifest = join(folder, 'busbar.yaml');
    writeFileSync(manifest, '{');
    const broken = create();
    await broken.prepare();
    expect(broken.differs[0]).toMatch(/errors in/);
    expect(broken.newest?.number).toBe(1);
    await stopAll();
    cpSync(EXAMPLE, folder, { recursive: true });
    const same = create();
    await same.prepare();
    expect(same.differs).toEqual([]);
    await stopAll();
    rmSync(folder, { recursive: true });
    const gone = create();
    await gone.prepare();
    expect(gone.differs).toEqual([]);
  });

  it('names the entities that differ', async () => {
    await create().prepare();
    await stopAll();
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    cpSync(fileURLToPath(new URL('../../../examples/pv-site', import.meta.url)), folder, { recursive: true });
    const publisher = create();
    await publisher.prepare();
    expect(publisher.differs).toContain('asset inv-01: only in the folder');
    expect(publisher.differs.some((line) => line.endsWith('only in the running generation'))).toBe(true);
  });

  it('goes on trying while the database is away', async () => {
    let tries = 0;
    const publisher = create(() => {
      if (++tries < 3) throw new BusbarError('STORE_UNREACHABLE', { target: 'db', reason: 'ECONNREFUSED' });
      return open();
    });
    await publisher.prepare();
    expect(publisher.diagnosis?.code).toBe('STORE_UNREACHABLE');
    publisher.start();
    await eventually(onBus).toBe(1);
    await eventually(() => publisher.diagnosis).toBeNull();
  });

  it('goes on trying while the bus takes nothing', async () => {
    const publish = bus.publish.bind(bus);
    let isAway = true;
    bus.publish = (records) =>
      isAway ? Promise.reject(new BusbarError('BUS_UNREACHABLE', { brokers: 'x' })) : publish(records);
    const publisher = create();
    await publisher.prepare();
    publisher.start();
    await eventually(() => publisher.diagnosis?.code).toBe('BUS_UNREACHABLE');
    isAway = false;
    await eventually(onBus).toBe(1);
  });

  it('publishes anew on a bus that was begun anew', async () => {
    const first = create();
    await first.prepare();
    first.start();
    await eventually(onBus).toBe(1);
    await stopAll();
    const other = await openTestBus();
    const before = test;
    bus = other.bus;
    const second = create();
    await second.prepare();
    second.start();
    await eventually(onBus).toBe(1);
    await stopAll();
    await other.dispose();
    bus = before.bus;
  });

  it('takes a number above that of the bus when the database is older', async () => {
    const publisher = create();
    await publisher.prepare();
    const ahead = { ...(publisher.newest as NonNullable<typeof publisher.newest>), number: 6 };
    const outbox = new Outbox(bus);
    await outbox.bring(ahead);
    await outbox.stop();
    publisher.start();
    await eventually(onBus).toBe(7);
    expect(publisher.newest?.number).toBe(7);
  });
});
