import { type Device, deviceName } from './device-list.js';

/** The connection of a session, as far as the rest needs it. */
export interface Link {
  push(topic: string, payload: string): void;
  close(): void;
}

/** A connected device, and the sub-devices that it has logged in. */
export class Session {
  readonly device: Device;
  readonly link: Link;
  readonly #loggedIn = new Set<string>();

  constructor(device: Device, link: Link) {
    this.device = device;
    this.link = link;
    this.#loggedIn.add(deviceName(device.productKey, device.deviceKey));
  }

  logIn(device: Device): void {
    this.#loggedIn.add(deviceName(device.productKey, device.deviceKey));
  }

  logOut(device: Device): void {
    if (device !== this.device) this.#loggedIn.delete(deviceName(device.productKey, device.deviceKey));
  }

  has(device: Device): boolean {
    return this.#loggedIn.has(deviceName(device.productKey, device.deviceKey));
  }
}

/** Who is connected. The newer login of a device wins, whatever its MQTT client id is. */
export class Sessions {
  readonly #byDevice = new Map<string, Session>();

  open(session: Session): void {
    const name = deviceName(session.device.productKey, session.device.deviceKey);
    const older = this.#byDevice.get(name);
    this.#byDevice.set(name, session);
    older?.link.close();
    for (const other of this.#byDevice.values()) if (other !== session) other.logOut(session.device);
  }

  close(session: Session): void {
    const name = deviceName(session.device.productKey, session.device.deviceKey);
    if (this.#byDevice.get(name) === session) this.#byDevice.delete(name);
  }

  /** A sub-device is logged in through one connection only. */
  logIn(session: Session, device: Device): void {
    for (const other of this.#byDevice.values()) if (other !== session) other.logOut(device);
    session.logIn(device);
  }

  /** The connection by which a device is reached now. */
  holder(device: Device): Session | undefined {
    for (const session of this.#byDevice.values()) if (session.has(device)) return session;
    return undefined;
  }

  all(): Session[] {
    return [...this.#byDevice.values()];
  }
}
