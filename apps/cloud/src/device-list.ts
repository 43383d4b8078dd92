import { readFileSync, statSync } from 'node:fs';
import { BusbarError } from '@busbar/errors';
import { z } from 'zod';

const key = z.string().regex(/^[\p{L}\p{N}\u2014_.-]{1,64}$/u, 'expected 1 to 64 letters, digits, - _ .');

const deviceSchema = z.strictObject({
  productKey: key,
  deviceKey: key,
  deviceSecret: z.string().min(1).max(256),
  model: z.string().optional(),
  /** Points of its model; without the list every point is accepted. An object may say that a point is a struct. */
  points: z
    .array(z.union([z.string().min(1), z.strictObject({ id: z.string().min(1), type: z.string().optional() })]))
    .optional(),
  gateway: z.boolean().optional(),
  /** Device key of the gateway that may log it in; without it every gateway may. */
  parent: z.string().optional(),
});

export const deviceFileSchema = z.strictObject({
  devices: z
    .array(deviceSchema)
    .refine(
      (devices) => new Set(devices.map((device) => device.deviceKey)).size === devices.length,
      'each deviceKey may stand there once',
    ),
});

export type DeviceEntry = z.infer<typeof deviceSchema>;

export interface Device {
  readonly productKey: string;
  readonly deviceKey: string;
  readonly deviceSecret: string;
  readonly isGateway: boolean;
  readonly parent: string | undefined;
  /** Point id to type (empty where not told); null: every point is accepted. */
  readonly points: ReadonlyMap<string, string> | null;
}

export function deviceName(productKey: string, deviceKey: string): string {
  return `${productKey}/${deviceKey}`;
}

function toDevice(entry: DeviceEntry): Device {
  const points = entry.points?.map((point): [string, string] =>
    typeof point === 'string' ? [point, ''] : [point.id, point.type ?? ''],
  );
  return {
    productKey: entry.productKey,
    deviceKey: entry.deviceKey,
    deviceSecret: entry.deviceSecret,
    isGateway: entry.gateway === true,
    parent: entry.parent,
    points: points ? new Map(points) : null,
  };
}

/** Which devices exist. A list from a file is read again when the file has changed. */
export class DeviceList {
  #byName = new Map<string, Device>();
  #byKey = new Map<string, Device>();
  readonly #path: string | null;
  #changedMs = -1;

  private constructor(path: string | null) {
    this.#path = path;
  }

  static of(entries: readonly DeviceEntry[]): DeviceList {
    const list = new DeviceList(null);
    list.#take(deviceFileSchema.parse({ devices: entries }).devices);
    return list;
  }

  /** Throws CLOUD_DEVICES_INVALID. */
  static fromFile(path: string): DeviceList {
    const list = new DeviceList(path);
    list.refresh();
    return list;
  }

  /** Reads a changed file; if that fails the old list stays. Throws CLOUD_DEVICES_INVALID. */
  refresh(): void {
    const path = this.#path;
    if (path === null) return;
    try {
      const changedMs = statSync(path).mtimeMs;
      if (changedMs === this.#changedMs) return;
      this.#changedMs = changedMs;
      const result = deviceFileSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
      if (!result.success) throw new Error(issueText(result.error));
      this.#take(result.data.devices);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BusbarError('CLOUD_DEVICES_INVALID', { path, reason }, { cause });
    }
  }

  find(productKey: string, deviceKey: string): Device | undefined {
    return this.#byName.get(deviceName(productKey, deviceKey));
  }

  byKey(deviceKey: string): Device | undefined {
    return this.#byKey.get(deviceKey);
  }

  all(): Iterable<Device> {
    return this.#byName.values();
  }

  /** May this gateway log in that device? */
  isBelow(gateway: Device, device: Device): boolean {
    return gateway.isGateway && !device.isGateway && (device.parent ?? gateway.deviceKey) === gateway.deviceKey;
  }

  #take(entries: readonly DeviceEntry[]): void {
    const devices = entries.map(toDevice);
    this.#byName = new Map(devices.map((device) => [deviceName(device.productKey, device.deviceKey), device]));
    this.#byKey = new Map(devices.map((device) => [device.deviceKey, device]));
  }
}

function issueText(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'wrong shape'}`;
}
