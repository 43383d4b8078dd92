import { CODE } from './codes.js';
import type { Device, DeviceList } from './device-list.js';
import type { Envelope } from './envelope.js';
import type { Session, Sessions } from './sessions.js';
import { acceptedDigests, isSignature } from './signature.js';

export interface Outcome {
  readonly code: number;
  readonly data: unknown;
}

/** SDKs send numbers where others send text; the text is what was signed. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Login and logout of sub-devices: identity, signature and topology are checked each time. */
export class Logins {
  readonly #devices: DeviceList;
  readonly #sessions: Sessions;

  constructor(devices: DeviceList, sessions: Sessions) {
    this.#devices = devices;
    this.#sessions = sessions;
  }

  single(session: Session, { params }: Envelope): Outcome {
    const device = this.#judge(session, fieldsOf(params), fieldsOf(params));
    return device ? { code: CODE.ok, data: described(device) } : { code: CODE.loginRefused, data: {} };
  }

  batch(session: Session, { params }: Envelope): Outcome {
    const { subDevices } = fieldsOf(params);
    if (!Array.isArray(subDevices)) return { code: CODE.malformed, data: {} };
    const loginedSubDevices: unknown[] = [];
    const failedSubDevices: unknown[] = [];
    for (const entry of subDevices) {
      const given = fieldsOf(entry);
      const device = this.#judge(session, given, fieldsOf(params));
      if (device) loginedSubDevices.push(described(device));
      else {
        failedSubDevices.push({ productKey: textOf(given.productKey), deviceKey: textOf(given.deviceKey) });
      }
    }
    const code = failedSubDevices.length > 0 ? CODE.loginRefused : CODE.ok;
    return { code, data: { loginedSubDevices, failedSubDevices } };
  }

  /** An unknown sub-device is answered like a known one. */
  out(session: Session, { params }: Envelope): Outcome {
    const given = fieldsOf(params);
    const device = this.#devices.find(textOf(given.productKey), textOf(given.deviceKey));
    if (device) session.logOut(device);
    return { code: CODE.ok, data: {} };
  }

  #judge(
    session: Session,
    given: Readonly<Record<string, unknown>>,
    shared: Readonly<Record<string, unknown>>,
  ): Device | undefined {
    const productKey = textOf(given.productKey);
    const deviceKey = textOf(given.deviceKey);
    const device = this.#devices.find(productKey, deviceKey);
    if (!device || !this.#devices.isBelow(session.device, device)) return undefined;
    const clientId = textOf(shared.clientId);
    const timestamp = textOf(shared.timestamp);
    const method = textOf(shared.signMethod) || 'sha1';
    const accepted = acceptedDigests(method, { clientId, deviceKey, productKey, timestamp }, device.deviceSecret);
    if (!isSignature(textOf(given.sign), accepted)) return undefined;
    this.#sessions.logIn(session, device);
    return device;
  }
}

function described({ productKey, deviceKey }: Device) {
  return { assetId: `asset-${deviceKey}`, productKey, deviceKey };
}
