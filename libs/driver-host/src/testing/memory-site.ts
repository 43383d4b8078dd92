import type { SampleBatch } from '@busbar/batch';
import { valueAt } from '@busbar/batch';
import type { AnyDriver } from '@busbar/driver-sdk';
import { FakeTime, MemoryDevice } from '@busbar/driver-testkit';
import type { AccessConnectionConfig, DeviceConfig, TableConfig, TagConfig } from '@busbar/events';
import { qualityText } from '@busbar/model';
import { DriverHost } from '../driver-host.js';
import type { AccessState } from '../ports.js';

export function tagConfig(number: number, more: Partial<TagConfig> = {}): TagConfig {
  return {
    number,
    id: `t${number}`,
    title: '',
    address: `m:${number}`,
    type: 'int32',
    count: 1,
    order: 'ABCD',
    access: 'rw',
    group: 'fast',
    scale: 1,
    offset: 0,
    invalid: [],
    ...more,
  };
}

export function tableConfig(tags: TagConfig[], digest = 'table-1'): TableConfig {
  return { digest, id: 'table', driver: 'memory', base: 0, tags };
}

export function deviceConfig(id: string, more: Partial<DeviceConfig> = {}): DeviceConfig {
  return {
    id,
    title: '',
    table: 'table-1',
    with: {},
    quirks: {},
    groups: { fast: 1000 },
    staleScans: 3,
    enabled: true,
    ...more,
  };
}

export function connectionConfig(
  devices: DeviceConfig[],
  more: Partial<AccessConnectionConfig> = {},
): AccessConnectionConfig {
  return { kind: 'access', id: 'c1', title: '', driver: 'memory', readOnly: false, with: {}, devices, ...more };
}

export interface SeenSample {
  readonly device: string;
  readonly tag: number;
  readonly value: unknown;
  readonly quality: string;
  readonly atMs: number;
}

/** A host with a device in memory and a clock that the test moves. */
export class MemorySite {
  readonly time = new FakeTime();
  readonly device = new MemoryDevice();
  readonly batches: SampleBatch[] = [];
  readonly states: AccessState[] = [];
  readonly logs: string[] = [];
  readonly errors: string[] = [];
  isReadLeased = true;
  isWriteLeased = true;
  publish: (batch: SampleBatch) => unknown = () => undefined;
  /** What the catalog gives out; a test may add to it before it runs. */
  driver = this.device.driver as unknown as AnyDriver;
  readonly host = new DriverHost(
    { memory: async () => this.driver },
    {
      clock: this.time,
      timers: this.time,
      log: {
        debug: () => {},
        info: (_fields, message) => this.logs.push(`info ${message}`),
        warn: (_fields, message) => this.logs.push(`warn ${message}`),
      },
      publishBatch: (batch) => {
        this.batches.push(batch);
        return this.publish(batch);
      },
      secret: async () => 'secret',
      onState: (state) => this.states.push(state),
      erred: (connection, kind) => this.errors.push(`${connection} ${kind}`),
      isLeased: (use) => (use === 'read' ? this.isReadLeased : this.isWriteLeased),
      random: () => 0.5,
    },
  );

  async run(
    tags: TagConfig[],
    devices: DeviceConfig[] = [deviceConfig('d1')],
    more: Partial<AccessConnectionConfig> = {},
  ): Promise<void> {
    await this.host.apply([connectionConfig(devices, more)], [tableConfig(tags)], 1);
    await this.time.advance(0);
  }

  /** Everything published since the last call, in order. */
  take(): SeenSample[] {
    return this.batches.splice(0).flatMap((batch) =>
      Array.from({ length: batch.count }, (_, i) => ({
        device: batch.key,
        tag: batch.handles[i] as number,
        value: valueAt(batch, i),
        quality: qualityText(batch.quality[i] as number),
        atMs: batch.collectedMs,
      })),
    );
  }

  state(): AccessState {
    return this.host.states()[0] as AccessState;
  }
}
