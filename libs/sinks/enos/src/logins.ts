import { type BusbarError, isBusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { SinkLog } from '@busbar/sink-sdk';
import { deviceName, type EnosDevice } from './device.js';
import type { Reply } from './envelope.js';
import { sign } from './sign.js';

/** Devices per login request: far below the 512 KB of one publish. */
const DEVICES_PER_REQUEST = 200;

export interface LoginOptions {
  readonly gateway: { readonly productKey: string; readonly deviceKey: string };
  readonly retryMs: number;
  readonly clock: Clock;
  readonly log: SinkLog;
  secret(reference: string): Promise<string>;
  request(body: (id: string) => string): Promise<Reply>;
}

interface SignedDevice {
  readonly device: EnosDevice;
  readonly sign: string;
}

function namesIn(data: unknown, list: string): Set<string> {
  const entries = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[list] : undefined;
  if (!Array.isArray(entries)) return new Set();
  return new Set(
    entries
      .filter((entry) => typeof entry === 'object' && entry !== null)
      .map((entry: Record<string, unknown>) => `${String(entry.productKey)}/${String(entry.deviceKey)}`),
  );
}

/** Which sub-devices are logged in; those that EnOS did not let in are tried again, all of them together. */
export class Logins {
  readonly #options: LoginOptions;
  readonly #problems = new Map<string, { device: EnosDevice; reason: string }>();
  readonly #loggedIn = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#loggedIn.add(deviceName(options.gateway));
  }

  has(device: EnosDevice): boolean {
    return this.#loggedIn.has(deviceName(device));
  }

  reason(device: EnosDevice): string {
    return this.#problems.get(deviceName(device))?.reason ?? 'EnOS does not have it logged in';
  }

  /** Logs in all of them; a refusal is noted, not thrown. Throws SINK_NO_REPLY and CONNECTION_LOST. */
  async logIn(devices: readonly EnosDevice[]): Promise<void> {
    const gateway = deviceName(this.#options.gateway);
    const wanted = devices.filter((device) => deviceName(device) !== gateway);
    const turn = this.#turn.then(() => this.#logInNow(wanted));
    this.#turn = turn.catch(() => {});
    await turn;
  }

  /** EnOS says that this device is not logged in: one more try. True if it is now. */
  async again(device: EnosDevice): Promise<boolean> {
    this.#loggedIn.delete(deviceName(device));
    await this.logIn([device]);
    return this.has(device);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #logInNow(devices: readonly EnosDevice[]): Promise<void> {
    const timestamp = String(this.#options.clock.wallMs());
    for (let from = 0; from < devices.length; from += DEVICES_PER_REQUEST) {
      const signed: SignedDevice[] = [];
      for (const device of devices.slice(from, from + DEVICES_PER_REQUEST)) {
        const one = await this.#signed(device, timestamp);
        if (one) signed.push(one);
      }
      if (signed.length > 0) await this.#request(signed, timestamp);
    }
    this.#retryLater();
  }

  async #signed(device: EnosDevice, timestamp: string): Promise<SignedDevice | undefined> {
    const { productKey, deviceKey } = device;
    try {
      const secret = await this.#options.secret(device.deviceSecret);
      const clientId = this.#options.gateway.productKey;
      return { device, sign: sign({ clientId, productKey, deviceKey, timestamp }, secret) };
    } catch (error) {
      const reason = isBusbarError(error) ? error.message : 'its secret cannot be read';
      this.#note(device, reason);
      return undefined;
    }
  }

  async #request(signed: readonly SignedDevice[], timestamp: string): Promise<void> {
    const subDevices = signed.map(({ device, sign: signature }) => ({
      productKey: device.productKey,
      deviceKey: device.deviceKey,
      secureMode: '2',
      sign: signature,
    }));
    const params = { clientId: this.#options.gateway.productKey, timestamp, signMethod: 'sha256', subDevices };
    const reply = await this.#options.request((id) =>
      JSON.stringify({ id, version: '1.0', method: 'combine.login.batch', params }),
    );
    const accepted = namesIn(reply.data, 'loginedSubDevices');
    for (const { device } of signed) {
      const name = deviceName(device);
      if (accepted.has(name)) {
        this.#loggedIn.add(name);
        this.#problems.delete(name);
      } else {
        this.#note(device, `EnOS did not let it in (code ${reply.code}${reply.message ? `, ${reply.message}` : ''})`);
      }
    }
  }

  #note(device: EnosDevice, reason: string): void {
    const name = deviceName(device);
    if (!this.#problems.has(name)) this.#options.log.warn({ device: name, reason }, 'sub-device is not logged in');
    this.#problems.set(name, { device, reason });
  }

  #retryLater(): void {
    if (this.#isClosed || this.#timer || this.#problems.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const devices = [...this.#problems.values()].map(({ device }) => device);
      this.logIn(devices).catch((error: BusbarError) => {
        this.#options.log.debug({ code: error.code }, 'logging in again failed');
        this.#retryLater();
      });
    }, this.#options.retryMs);
  }
}
