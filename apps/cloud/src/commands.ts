import { BusbarError } from '@busbar/errors';
import { type Device, deviceName } from './device-list.js';
import { type Envelope } from './envelope.js';
import type { Sessions } from './sessions.js';

/** Requests of a device begin at 1 and one SDK takes a command with a used id for a reply; 31 bits are its limit. */
const FIRST_ID = 1_073_741_824;
const LAST_ID = 2_147_483_647;

export interface DeviceAnswer {
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
}

interface Waiting {
  readonly topic: string;
  resolve(answer: DeviceAnswer): void;
  reject(error: BusbarError): void;
}

/** Commands pushed into the connection that holds a device, subscribed or not, and their answers. */
export class Commands {
  readonly #sessions: Sessions;
  readonly #waiting = new Map<string, Waiting>();
  #nextId = FIRST_ID;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** Throws CLOUD_DEVICE_OFFLINE and CLOUD_NO_ANSWER. */
  set(device: Device, points: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<DeviceAnswer> {
    const name = deviceName(device.productKey, device.deviceKey);
    const session = this.#sessions.holder(device);
    if (!session) return Promise.reject(new BusbarError('CLOUD_DEVICE_OFFLINE', { device: name }));
    const id = String(this.#nextId);
    this.#nextId = this.#nextId === LAST_ID ? FIRST_ID : this.#nextId + 1;
    const topic = `/sys/${device.productKey}/${device.deviceKey}/thing/service/measurepoint/set`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#waiting.get(id)?.reject(new BusbarError('CLOUD_NO_ANSWER', { device: name, timeoutMs })),
        timeoutMs,
      );
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      this.#waiting.set(id, {
        topic: `${topic}_reply`,
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      const method = 'thing.service.measurepoint.set';
      session.link.push(topic, JSON.stringify({ id, version: '1.0', method, params: points }));
    });
  }

  /** What a device published on a reply topic. */
  answer(topic: string, { id, code, message, data }: Envelope): void {
    const waiting = this.#waiting.get(String(id));
    if (waiting?.topic !== topic) return;
    // Some devices send their code as text.
    const number = typeof code === 'string' ? Number(code) : code;
    if (typeof number !== 'number' || !Number.isInteger(number)) return;
    waiting.resolve({ code: number, message: typeof message === 'string' ? message : '', data: data ?? {} });
  }

  close(): void {
    for (const waiting of [...this.#waiting.values()]) {
      waiting.reject(new BusbarError('CLOUD_DEVICE_OFFLINE', { device: waiting.topic }));
    }
  }
}
