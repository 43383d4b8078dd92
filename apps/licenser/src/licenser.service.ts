import { join } from 'node:path';
import type { Ownership, TableView } from '@busbar/bus';
import type { Diagnosis, ErrorCode } from '@busbar/errors';
import { ENTITLEMENTS_KEY } from '@busbar/events';
import { BUILT_IN_KEYS } from '@busbar/licensing';
import { HEALTH, type Health, SETTINGS, ServicePorts, type Settings } from '@busbar/service-kit';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { LicenseFiles } from './license-files.js';
import { LicenseKeeper } from './license-keeper.js';
import { LicenserMetrics } from './licenser-metrics.js';

/** Files are looked at this often; notices of a file system do not come through every kind of mount. */
const TICK_MS = 5_000;

/** One licenser at a time keeps the license of the site. */
@Injectable()
export class LicenserService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #keeper: LicenseKeeper | null = null;
  #changed: TableView | null = null;
  #ownership: Ownership | null = null;
  #timer: NodeJS.Timeout | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(
    @Inject(ServicePorts) private readonly ports: ServicePorts,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(HEALTH) private readonly health: Health,
    @Inject(LicenserMetrics) private readonly metrics: LicenserMetrics,
  ) {}

  onApplicationBootstrap(): void {
    const { bus, clock, log, configuration } = this.ports;
    const { data, license, licenseKeys } = this.settings;
    if (licenseKeys !== undefined && BUILT_IN_KEYS.length > 0) {
      log.warn({ file: licenseKeys }, 'the list of license keys has no say: this build trusts its own keys');
    }
    this.#changed = bus.table('entitlements.changed.v1');
    this.#changed.ready.catch(() => undefined);
    const keeper = new LicenseKeeper({
      bus,
      clock,
      log,
      configuration,
      files: new LicenseFiles({ folder: join(data, 'license'), license, keys: licenseKeys }),
      changed: this.#changed,
      isOwner: () => this.#ownership?.owns(ENTITLEMENTS_KEY) ?? false,
      judged: (record, admission) => this.metrics.judged(record, admission),
    });
    this.#keeper = keeper;
    this.#ownership = bus.own('entitlements.changed.v1', 'licenser', {
      gained: () => {
        keeper.forget();
        void keeper.tick();
      },
      lost: () => keeper.stop(),
    });
    this.#unsubscribe = configuration.onChange(() => void keeper.tick());
    this.#timer = setInterval(() => void keeper.tick(), TICK_MS);
    // A license never makes a service unready: it only says what a person should know.
    this.health.register('license', () => ({ ready: true, diagnosis: this.#diagnosis() }));
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#unsubscribe?.();
    await this.#keeper?.stop();
    await this.#ownership?.stop();
    await this.#changed?.stop();
  }

  #diagnosis(): Diagnosis | null {
    if (this.#keeper?.trouble) return this.#keeper.trouble;
    const first = this.#keeper?.current?.diagnoses[0];
    return first ? { code: first.code as ErrorCode, params: first.params } : null;
  }
}
