import type { z } from 'zod';
import { connectionConfigSchema, publishedEntitySchema, tableConfigSchema } from './configuration.js';
import { connectionChangedSchema, deadLetterSchema } from './connections.js';
import {
  controlRequestSchema,
  executedSchema,
  grantSchema,
  heldSchema,
  refusedSchema,
  startedSchema,
} from './control.js';
import { entitlementsSchema } from './entitlements.js';
import { fileCollectedSchema, fileRequestedSchema, fileUploadedSchema } from './files.js';
import { measuredSchema } from './measured.js';

export const SERVICES = [
  'collector',
  'mapper',
  'uploader',
  'arbiter',
  'api',
  'licenser',
  'forwarder',
  'file-collector',
] as const;
export type ServiceName = (typeof SERVICES)[number];

const MIB = 1024 * 1024;
const HOUR = 3_600_000;

export interface TopicSpec {
  /** What the key is. */
  readonly key: string;
  /** `columnar`: libs/batch; else JSON of this schema. */
  readonly payload: 'columnar' | z.ZodType;
  readonly compacted: boolean;
  /** On Kafka; the embedded log has one partition per topic. */
  readonly partitions: number;
  readonly retentionMs: number | null;
  /** Of the whole topic. */
  readonly retentionBytes: number | null;
  readonly producers: readonly ServiceName[];
  readonly consumers: readonly ServiceName[];
}

/** Every topic, declared once. The diagram in docs/reference is generated from this. */
export const TOPICS = {
  'tags.sampled.v1': {
    key: 'device',
    payload: 'columnar',
    compacted: false,
    partitions: 24,
    retentionMs: HOUR,
    retentionBytes: 2048 * MIB,
    producers: ['collector'],
    consumers: ['mapper', 'api'],
  },
  'points.updated.v1': {
    key: 'asset',
    payload: 'columnar',
    compacted: false,
    partitions: 24,
    retentionMs: 7 * 24 * HOUR,
    retentionBytes: 10240 * MIB,
    producers: ['mapper'],
    consumers: ['uploader', 'api', 'arbiter', 'forwarder', 'file-collector'],
  },
  'assets.imaged.v1': {
    key: 'asset',
    payload: 'columnar',
    compacted: true,
    partitions: 6,
    retentionMs: null,
    retentionBytes: null,
    producers: ['mapper'],
    consumers: ['mapper', 'uploader', 'api', 'arbiter', 'forwarder'],
  },
  'tables.configured.v1': {
    key: 'digest of the point table',
    payload: tableConfigSchema,
    compacted: true,
    partitions: 1,
    retentionMs: null,
    retentionBytes: null,
    producers: ['api'],
    consumers: ['collector', 'mapper', 'arbiter', 'forwarder', 'file-collector'],
  },
  'connections.configured.v1': {
    key: 'connection',
    payload: connectionConfigSchema,
    compacted: true,
    partitions: 24,
    retentionMs: null,
    retentionBytes: null,
    producers: ['api'],
    consumers: ['collector', 'uploader', 'mapper', 'arbiter', 'forwarder', 'file-collector'],
  },
  'configuration.published.v1': {
    key: 'kind/id of the entity',
    payload: publishedEntitySchema,
    compacted: true,
    partitions: 1,
    retentionMs: null,
    retentionBytes: null,
    producers: ['api'],
    consumers: ['collector', 'mapper', 'uploader', 'arbiter', 'api', 'forwarder', 'file-collector'],
  },
  'connections.changed.v1': {
    key: 'connection',
    payload: connectionChangedSchema,
    compacted: true,
    partitions: 6,
    retentionMs: null,
    retentionBytes: null,
    producers: ['collector', 'uploader', 'forwarder', 'file-collector'],
    consumers: ['collector', 'uploader', 'arbiter', 'api', 'forwarder', 'file-collector'],
  },
  'changes.queued.v1': {
    key: 'forwarding connection',
    payload: 'columnar',
    compacted: false,
    partitions: 6,
    retentionMs: 7 * 24 * HOUR,
    retentionBytes: 512 * MIB,
    producers: ['forwarder'],
    consumers: ['forwarder'],
  },
  'control.requested.v1': {
    key: 'site',
    payload: controlRequestSchema,
    compacted: false,
    partitions: 1,
    retentionMs: 24 * HOUR,
    retentionBytes: 64 * MIB,
    producers: ['uploader', 'api', 'forwarder'],
    consumers: ['arbiter', 'api'],
  },
  'control.granted.v1': {
    key: 'connection',
    payload: grantSchema,
    compacted: false,
    partitions: 6,
    retentionMs: 24 * HOUR,
    retentionBytes: 64 * MIB,
    producers: ['arbiter'],
    consumers: ['collector', 'arbiter', 'api', 'uploader', 'forwarder'],
  },
  'control.started.v1': {
    key: 'connection',
    payload: startedSchema,
    compacted: false,
    partitions: 1,
    retentionMs: 24 * HOUR,
    retentionBytes: 64 * MIB,
    producers: ['collector'],
    consumers: ['arbiter', 'api'],
  },
  'control.refused.v1': {
    key: 'request',
    payload: refusedSchema,
    compacted: false,
    partitions: 1,
    retentionMs: 24 * HOUR,
    retentionBytes: 64 * MIB,
    producers: ['arbiter'],
    consumers: ['uploader', 'api', 'arbiter', 'forwarder', 'file-collector'],
  },
  'control.executed.v1': {
    key: 'request',
    payload: executedSchema,
    compacted: false,
    partitions: 1,
    retentionMs: 24 * HOUR,
    retentionBytes: 64 * MIB,
    producers: ['collector', 'arbiter'],
    consumers: ['arbiter', 'uploader', 'api', 'forwarder'],
  },
  'control.held.v1': {
    key: 'point path, @office',
    payload: heldSchema,
    compacted: true,
    partitions: 6,
    retentionMs: null,
    retentionBytes: null,
    producers: ['arbiter'],
    consumers: ['arbiter', 'collector', 'api'],
  },
  'entitlements.changed.v1': {
    key: '@site',
    payload: entitlementsSchema,
    compacted: true,
    partitions: 1,
    retentionMs: null,
    retentionBytes: null,
    producers: ['licenser'],
    consumers: ['licenser', 'collector', 'forwarder', 'api'],
  },
  'files.requested.v1': {
    key: 'connection',
    payload: fileRequestedSchema,
    compacted: false,
    partitions: 1,
    retentionMs: HOUR,
    retentionBytes: 16 * MIB,
    producers: ['api'],
    consumers: ['file-collector'],
  },
  'files.collected.v1': {
    key: 'task',
    payload: fileCollectedSchema,
    compacted: false,
    partitions: 1,
    retentionMs: 7 * 24 * HOUR,
    retentionBytes: 64 * MIB,
    producers: ['file-collector'],
    consumers: ['api'],
  },
  'files.uploaded.v1': {
    key: 'task/path of the file',
    payload: fileUploadedSchema,
    compacted: true,
    partitions: 1,
    retentionMs: null,
    retentionBytes: null,
    producers: ['file-collector'],
    consumers: ['file-collector', 'api'],
  },
  'services.measured.v1': {
    key: 'instance of the process',
    payload: measuredSchema,
    compacted: false,
    partitions: 1,
    retentionMs: HOUR,
    retentionBytes: 64 * MIB,
    producers: SERVICES,
    consumers: ['api'],
  },
  'deadletters.recorded.v1': {
    key: 'topic',
    payload: deadLetterSchema,
    compacted: false,
    partitions: 1,
    retentionMs: 7 * 24 * HOUR,
    retentionBytes: 64 * MIB,
    producers: ['collector', 'mapper', 'uploader', 'arbiter', 'api'],
    consumers: ['api'],
  },
} as const satisfies Record<string, TopicSpec>;

export type TopicName = keyof typeof TOPICS;

/** Payload type of a JSON topic; `never` for a columnar one. */
export type JsonPayload<Topic extends TopicName> = (typeof TOPICS)[Topic]['payload'] extends z.ZodType
  ? z.infer<(typeof TOPICS)[Topic]['payload']>
  : never;

export function topicSpec(topic: TopicName): TopicSpec {
  return TOPICS[topic];
}
