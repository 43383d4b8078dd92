import {
  type Configuration,
  encodeJson,
  GENERATION_KEY,
  type GenerationConfig,
  type GenerationEntity,
  generationCounts,
  generationDigest,
  generationEntities,
} from '@busbar/events';
import type { FakeBus } from './fake-bus.js';

export function accessConnection(id: string, title = id): Configuration['connections'][number] {
  return { kind: 'access', id, title, driver: 'modbus', readOnly: true, with: {}, devices: [] };
}

export function configurationOf(connections: Configuration['connections'], title = 'Demo'): Configuration {
  return {
    site: { kind: 'site', id: 'demo', title, timezone: 'UTC' },
    tables: [{ digest: 'aa', id: 'meter', driver: 'modbus', base: 0, tags: [] }],
    connections,
    models: [],
    templates: [],
    assets: [],
    policies: [],
  };
}

export function putEntity(bus: FakeBus, { topic, key, value }: GenerationEntity): void {
  bus.put(topic, key, new TextEncoder().encode(JSON.stringify(value)));
}

/** The record that makes a generation whole. */
export function putGeneration(
  bus: FakeBus,
  number: number,
  { configuration, removed }: { configuration: Configuration; removed?: GenerationConfig['removed'] },
): void {
  const entities = generationEntities(configuration);
  const value: GenerationConfig = {
    kind: 'generation',
    number,
    digest: generationDigest(entities, ''),
    publishedAt: 0,
    by: 'test',
    counts: generationCounts(entities),
    ...(removed ? { removed } : {}),
  };
  bus.put('configuration.published.v1', GENERATION_KEY, encodeJson('configuration.published.v1', value));
}

/** All records of a generation in the order of the api. */
export function putAll(bus: FakeBus, number: number, configuration: Configuration): void {
  for (const entity of generationEntities(configuration)) putEntity(bus, entity);
  putGeneration(bus, number, { configuration });
}
