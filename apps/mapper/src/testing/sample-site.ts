import { BatchBuilder, encodeBatch, type SampleBatch } from '@busbar/batch';
import type { Delivery, InRecord } from '@busbar/bus';
import type { Diagnosis } from '@busbar/errors';
import type { AssetConfig, Configuration, MapEntry, ModelConfig, PointConfig, TagConfig } from '@busbar/events';
import type { AppliedGeneration } from '@busbar/service-kit';

/** A small site for tests: the tags of the table `meter` are numbered 1, 2, ... and feed points of the same order. */

export function tag(number: number, id: string): TagConfig {
  const plain = { count: 1, order: 'ABCD' as const, access: 'r' as const, group: 'fast', scale: 1, offset: 0 };
  return { number, id, title: id, address: String(number), type: 'float32', invalid: [], ...plain };
}

export function point(number: number, id: string): PointConfig {
  return { number, id, title: id, type: 'double', kind: 'AI', access: 'r', quality: true };
}

export function model(id: string, points: readonly PointConfig[]): ModelConfig {
  return { kind: 'model', id, title: id, lineage: [id], points: [...points], attributes: {}, services: {} };
}

export function read(pointId: string, tagId: string, factor = 1): MapEntry {
  return { point: pointId, read: tagId, factor, shift: 0, time: 'source' };
}

export function asset(id: string, ...devices: readonly string[]): AssetConfig {
  const from = devices.map((device) => ({ template: 'meter', connection: 'line', device }));
  return { kind: 'asset', id, title: id, model: 'meter', logic: false, from, attributes: {} };
}

export function configuration(change: Partial<Configuration> = {}): Configuration {
  const map = [read('P', 'p'), read('U', 'u', 10)];
  const devices = ['d1', 'd2'].map((id) => ({
    id,
    title: id,
    table: 'T1',
    with: {},
    quirks: {},
    groups: { fast: 1000 },
    staleScans: 3,
    enabled: true,
  }));
  return {
    site: { kind: 'site', id: 'demo', title: 'Demo', timezone: 'UTC' },
    tables: [{ digest: 'T1', id: 'meter', driver: 'modbus', base: 0, tags: [tag(1, 'p'), tag(2, 'u')] }],
    connections: [{ kind: 'access', id: 'line', title: 'line', driver: 'modbus', readOnly: true, with: {}, devices }],
    models: [model('meter', [point(1, 'P'), point(2, 'U')])],
    templates: [{ kind: 'template', id: 'meter', model: 'meter', table: 'meter', map, attributes: {}, services: {} }],
    assets: [asset('a1', 'd1')],
    policies: [],
    ...change,
  };
}

export function generation(number: number, change: Partial<Configuration> = {}): AppliedGeneration {
  return { number, digest: `g${number}`, configuration: configuration(change) };
}

/** A batch with these values by tag or point number, collected at 1,000 ms. */
export function batchOf(
  kind: SampleBatch['kind'],
  values: Readonly<Record<number, number>>,
  head: { readonly key: string; readonly generation: number },
): SampleBatch {
  const builder = new BatchBuilder(4, 1000);
  for (const [handle, value] of Object.entries(values)) builder.put(Number(handle), value, 0, 1000);
  return builder.finish({ kind, ...head, collectedMs: 1000 });
}

let offsets = 0;

export function record(batch: SampleBatch, object: SampleBatch | undefined = undefined): InRecord {
  const place = { topic: 'tags.sampled.v1' as const, partition: 0, offset: offsets++, timestampMs: 1000 };
  return { ...place, key: batch.key, value: encodeBatch(batch), object };
}

export interface TestDelivery extends Delivery {
  readonly refused: { readonly record: InRecord; readonly diagnosis: Diagnosis }[];
}

export function delivery(...records: readonly InRecord[]): TestDelivery {
  const refused: TestDelivery['refused'] = [];
  return {
    topic: 'tags.sampled.v1',
    partition: 0,
    records,
    flushed: async () => undefined,
    refuse: (refusedRecord, diagnosis) => void refused.push({ record: refusedRecord, diagnosis }),
    refused,
  };
}
