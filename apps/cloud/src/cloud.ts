import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@busbar/model';
import { type HostPort, listenFailure } from '@busbar/service-kit';
import { type BrokerLog, CloudBroker } from './broker.js';
import { Commands } from './commands.js';
import { type DeviceEntry, DeviceList } from './device-list.js';
import { Faults } from './faults.js';
import { FileStore } from './file-store.js';
import { startHttp } from './http.js';
import { Logins } from './logins.js';
import { Requests } from './requests.js';
import { Sessions } from './sessions.js';
import { ValueLog } from './value-log.js';
import { ValueStore } from './value-store.js';

export interface CloudOptions {
  /** Port 0: any free one. */
  readonly mqtt: HostPort;
  readonly http: HostPort;
  /** Path of a device list, or the list. */
  readonly devices: string | readonly DeviceEntry[];
  /** Keeps every value received, not only the newest. */
  readonly isCounting: boolean;
  /** Folder of the files that devices send; default one of its own that is removed at the stop. */
  readonly files?: string;
  readonly clock: Clock;
  readonly log: BrokerLog;
}

export interface Cloud {
  readonly mqtt: HostPort;
  readonly http: HostPort;
  stop(): Promise<void>;
}

/** Starts the stand-in. Throws CLOUD_DEVICES_INVALID, PORT_IN_USE, SETTING_INVALID. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { clock, log } = options;
  const devices =
    typeof options.devices === 'string' ? DeviceList.fromFile(options.devices) : DeviceList.of(options.devices);
  const valueLog = options.isCounting ? new ValueLog() : null;
  const values = new ValueStore(valueLog);
  const sessions = new Sessions();
  const commands = new Commands(sessions);
  const faults = new Faults();
  const logins = new Logins(devices, sessions);
  const requests = new Requests({ devices, logins, values, commands, faults }, clock);
  const mqtt = await CloudBroker.start({ devices, sessions, requests, log }, options.mqtt).catch((error: unknown) => {
    throw listenFailure(error, options.mqtt, 'BUSBAR_CLOUD_MQTT');
  });
  const folder = options.files ?? mkdtempSync(join(tmpdir(), 'busbar-cloud-'));
  const parts = { devices, sessions, values, commands, faults, files: new FileStore(folder), clock };
  const http = await startHttp(parts, valueLog, options.http).catch(async (error: unknown) => {
    await mqtt.broker.stop();
    throw listenFailure(error, options.http, 'BUSBAR_CLOUD_HTTP');
  });
  return {
    mqtt: mqtt.address,
    http: http.address,
    stop: async () => {
      commands.close();
      requests.close();
      await http.server.close();
      await mqtt.broker.stop();
      if (options.files === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
