import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, openEmbeddedBus, type TableView } from '@busbar/bus';
import { type Configuration, decodeJson, ENTITLEMENTS_KEY, type EntitlementsChanged } from '@busbar/events';
import { issueLicense, type KeyPair, type License, makeKeyPair } from '@busbar/licensing';
import { type AppliedGeneration, createLogger } from '@busbar/service-kit';
import { LicenseFiles } from './license-files.js';
import { LicenseKeeper } from './license-keeper.js';

export const DAY_MS = 86_400_000;
export const BEGIN = Date.parse('2026-01-01T00:00:00Z');
export const END = Date.parse('2026-12-31T00:00:00Z');
export const GRACE_END = END + 30 * DAY_MS;

export const silentLog = createLogger('licenser', 'silent');

export class TestClock {
  wall = BEGIN + DAY_MS;
  monotonic = 1_000;
  readonly wallMs = () => this.wall;
  readonly monotonicMs = () => this.monotonic;

  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
}

/** Connections of one device each, with so many tags. */
export function generationOf(number: number, connections: Record<string, number>, site = 'demo-pv'): AppliedGeneration {
  const counts = [...new Set(Object.values(connections))];
  const configuration = {
    site: { kind: 'site', id: site, title: site, timezone: 'UTC' },
    tables: counts.map((count) => ({ digest: `t${count}`, tags: Array(count).fill({}) })),
    connections: Object.entries(connections).map(([id, count]) => ({
      kind: 'access',
      id,
      driver: 'modbus',
      devices: [{ id: `${id}-1`, table: `t${count}`, enabled: true }],
    })),
  } as unknown as Configuration;
  return { number, digest: `g${number}`, configuration };
}

/** A data folder with a real bus, and licensers that come and go over it. */
export class TestSite {
  readonly clock = new TestClock();
  readonly folder = mkdtempSync(join(tmpdir(), 'busbar-licenser-'));
  readonly licenseFile = join(this.folder, 'site.license');
  readonly keysFile = join(this.folder, 'keys.json');
  readonly state = join(this.folder, 'license');
  current: AppliedGeneration | null = generationOf(1, { line: 10 });
  isOwner = true;
  keeper!: LicenseKeeper;
  refused: Record<string, string> = {};
  readonly #logs = mkdtempSync(join(tmpdir(), 'busbar-licenser-log-'));
  #bus!: Bus;
  #changed!: TableView;
  #published = 0;

  private constructor(readonly pair: KeyPair) {
    writeFileSync(this.keysFile, pair.trustList);
  }

  static async open(): Promise<TestSite> {
    const site = new TestSite(await makeKeyPair());
    await site.boot();
    return site;
  }

  get bus(): Bus {
    return this.#bus;
  }

  async boot(): Promise<void> {
    this.#bus = await openEmbeddedBus({ folder: join(this.#logs, 'log'), clock: this.clock, log: silentLog });
    this.#changed = this.#bus.table('entitlements.changed.v1');
    this.#published = 0;
    this.#changed.onChange(() => void this.#published++);
    this.keeper = new LicenseKeeper({
      bus: this.#bus,
      clock: this.clock,
      log: silentLog,
      configuration: this,
      files: new LicenseFiles({ folder: this.state, license: this.licenseFile, keys: this.keysFile }),
      changed: this.#changed,
      isOwner: () => this.isOwner,
      judged: (_record, { refused }) => {
        this.refused = Object.fromEntries([...refused].map(([id, { code }]) => [id, code]));
      },
    });
  }

  /** The process ends, in order or by a kill, and starts again; the monotonic clock may begin anew. */
  async restart(how: { readonly isKilled?: boolean; readonly monotonic?: number } = {}): Promise<void> {
    if (!how.isKilled) await this.keeper.stop();
    await this.#bus.close();
    if (how.monotonic !== undefined) this.clock.monotonic = how.monotonic;
    await this.boot();
  }

  /** The event log is set aside. */
  async loseLog(): Promise<void> {
    await this.keeper.stop();
    await this.#bus.close();
    rmSync(join(this.#logs, 'log'), { recursive: true });
    await this.boot();
  }

  loseFolder(): void {
    rmSync(this.state, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await this.keeper.stop();
    await this.#bus.close();
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(this.#logs, { recursive: true, force: true });
  }

  token(change: Partial<License> = {}): Promise<string> {
    const license: License = {
      format: 1,
      id: 'L-1',
      site: 'demo-pv',
      holder: 'Sunny Fields Ltd',
      issuedAt: new Date(BEGIN).toISOString(),
      notBefore: new Date(BEGIN).toISOString(),
      notAfter: new Date(END).toISOString(),
      graceDays: 30,
      protocols: 'all',
      connections: 2,
      tags: 100,
      forwarding: 0,
      ...change,
    };
    return issueLicense(license, this.pair.privateKey);
  }

  async install(change: Partial<License> = {}): Promise<void> {
    writeFileSync(this.licenseFile, `${await this.token(change)}\n`);
  }

  /** The record on the bus after one more look at everything. */
  async judged(): Promise<EntitlementsChanged> {
    await this.keeper.tick();
    const value = this.#changed.get(ENTITLEMENTS_KEY)?.value;
    if (!value) throw new Error('nothing was published');
    return decodeJson('entitlements.changed.v1', value);
  }

  async verdict(): Promise<{ state: string; id: string | null; codes: string[]; admitted: string[] }> {
    const { state, license, diagnoses, admitted } = await this.judged();
    return {
      state,
      id: license?.id ?? null,
      codes: diagnoses.map(({ code }) => code),
      admitted: admitted.map(({ id }) => id),
    };
  }

  /** Records since the start of the process. */
  get published(): number {
    return this.#published;
  }
}
