import { randomBytes } from 'node:crypto';
import type { Clock } from '@busbar/model';
import { z } from 'zod';
import type { Device, DeviceList } from './device-list.js';
import { acceptedDigests, isSignature } from './signature.js';

const loginSchema = z.object({
  signMethod: z.string(),
  lifetime: z.number().int().min(1_000).max(86_400_000),
  sign: z.string(),
});

interface HttpSession {
  readonly device: Device;
  readonly lifetimeMs: number;
  endsMs: number;
}

/** Sessions of the HTTP protocol: each dies its lifetime after the last request. */
export class HttpLogins {
  readonly #devices: DeviceList;
  readonly #clock: Clock;
  readonly #sessions = new Map<string, HttpSession>();

  constructor(devices: DeviceList, clock: Clock) {
    this.#devices = devices;
    this.#clock = clock;
  }

  /** The id of a new session; undefined: identity or signature is not right. */
  open(productKey: string, deviceKey: string, body: unknown): string | undefined {
    const login = loginSchema.safeParse(body);
    const device = this.#devices.find(productKey, deviceKey);
    if (!login.success || !device) return undefined;
    const { signMethod, lifetime, sign } = login.data;
    const fields = { deviceKey, lifetime: String(lifetime), productKey, signMethod };
    if (!isSignature(sign, acceptedDigests(signMethod, fields, device.deviceSecret))) return undefined;
    const now = this.#clock.monotonicMs();
    for (const [id, session] of this.#sessions) if (session.endsMs <= now) this.#sessions.delete(id);
    const id = randomBytes(16).toString('hex');
    this.#sessions.set(id, { device, lifetimeMs: lifetime, endsMs: now + lifetime });
    return id;
  }

  /** The device of a session, if it is the one named. */
  use(id: string | undefined, productKey: string, deviceKey: string): Device | undefined {
    const session = id === undefined ? undefined : this.#sessions.get(id);
    const now = this.#clock.monotonicMs();
    if (!session || session.endsMs <= now) return undefined;
    const { device } = session;
    if (device.productKey !== productKey || device.deviceKey !== deviceKey) return undefined;
    session.endsMs = now + session.lifetimeMs;
    return device;
  }
}
