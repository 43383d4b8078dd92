import { describe, expect, it } from 'vitest';
import { SERVICES, TOPICS, type TopicName, topicSpec } from './topics.js';

const NAMES = Object.keys(TOPICS) as TopicName[];
const GIB = 1024 ** 3;
const DAY = 86_400_000;

describe('topics', () => {
  it.each(NAMES)('%s is named, keyed and shared out soundly', (topic) => {
    const spec = topicSpec(topic);
    expect(topic).toMatch(/^[a-z]+\.[a-z]+\.v[1-9]\d*$/);
    expect(spec.key).not.toBe('');
    expect(spec.partitions).toBeGreaterThanOrEqual(1);
    for (const list of [spec.producers, spec.consumers]) {
      expect(list.length).toBeGreaterThan(0);
      expect(new Set(list).size).toBe(list.length);
      for (const service of list) expect(SERVICES).toContain(service);
    }
  });

  it.each(NAMES)('%s is kept by key, or else for a time and within a size', (topic) => {
    const { compacted, retentionMs, retentionBytes } = topicSpec(topic);
    if (compacted) expect([retentionMs, retentionBytes]).toEqual([null, null]);
    else for (const limit of [retentionMs, retentionBytes]) expect(limit).toBeGreaterThan(0);
  });

  it('keeps the offline budget of 7 days and 10 GiB', () => {
    expect(topicSpec('points.updated.v1')).toMatchObject({ retentionMs: 7 * DAY, retentionBytes: 10 * GIB });
  });

  it('puts control requests, and the ends of control requests, in one order', () => {
    for (const topic of ['control.requested.v1', 'control.refused.v1', 'control.executed.v1'] as const) {
      expect(topicSpec(topic).partitions).toBe(1);
    }
  });

  it('keeps control records for 24 hours and lets nothing of them be compacted away', () => {
    for (const topic of NAMES.filter((name) => name.startsWith('control.') && name !== 'control.held.v1')) {
      expect(topicSpec(topic)).toMatchObject({ compacted: false, retentionMs: DAY });
    }
  });

  it('lets one service write the configuration and one decide', () => {
    for (const topic of NAMES.filter((name) => name.endsWith('configured.v1') || name.endsWith('published.v1'))) {
      expect(topicSpec(topic).producers).toEqual(['api']);
    }
    for (const topic of ['control.granted.v1', 'control.held.v1', 'control.refused.v1'] as const) {
      expect(topicSpec(topic).producers).toEqual(['arbiter']);
    }
  });

  it('spreads what is worked on by key alike, so that one member has the same keys of each', () => {
    expect(topicSpec('tags.sampled.v1').partitions).toBe(topicSpec('points.updated.v1').partitions);
  });
});
