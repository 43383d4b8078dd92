import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBusbarError } from '@busbar/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJson, encodeJson } from './json.js';
import { TOPICS, type TopicName } from './topics.js';

const GOLDEN = join(import.meta.dirname, '..', 'golden');
const NAMES = Object.keys(TOPICS) as TopicName[];
const JSON_TOPICS = NAMES.filter((topic) => TOPICS[topic].payload !== 'columnar');
const MESSAGES = JSON_TOPICS.flatMap((topic) => readdirSync(join(GOLDEN, topic)).map((name) => [topic, name] as const));

function golden(topic: TopicName, name: string): { [field: string]: unknown } {
  return JSON.parse(readFileSync(join(GOLDEN, topic, name), 'utf8'));
}

function octets(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function refusal(topic: TopicName, value: Uint8Array): string {
  try {
    decodeJson(topic, value);
  } catch (error) {
    if (isBusbarError(error, 'RECORD_REFUSED')) return String(error.params.reason);
    throw error;
  }
  return 'accepted';
}

describe('a golden message', () => {
  it.each(MESSAGES)('of %s reads and is written back the same: %s', (topic, name) => {
    const message = golden(topic, name);
    const read = decodeJson(topic, octets(message));
    expect(read).toEqual(message);
    expect(JSON.parse(new TextDecoder().decode(encodeJson(topic, read)))).toEqual(message);
  });

  it.each(MESSAGES)('of %s is refused with an unknown field: %s', (topic, name) => {
    expect(refusal(topic, octets({ ...golden(topic, name), surprise: 1 }))).toContain('surprise');
  });

  it.each(MESSAGES)('of %s is refused when it ends early: %s', (topic, name) => {
    const whole = octets(golden(topic, name));
    expect(refusal(topic, whole.subarray(0, whole.length - 1))).toBe('not JSON');
  });
});

describe('a record that is not what its topic carries', () => {
  const request = golden('control.requested.v1', 'a-cloud-wants-a-value.json');

  it('is refused when it is no JSON or no UTF-8', () => {
    expect(refusal('control.requested.v1', new Uint8Array())).toBe('not JSON');
    expect(refusal('control.requested.v1', Uint8Array.of(0x22, 0xff, 0x22))).toBe('not JSON');
  });

  it('is refused by the name of the field', () => {
    const { dryRun: _, ...without } = request;
    expect(refusal('control.requested.v1', octets(without))).toMatch(/^dryRun: /);
    expect(refusal('control.requested.v1', octets({ ...request, items: [] }))).toMatch(/^items: /);
    expect(refusal('control.requested.v1', octets({ ...request, priority: 0 }))).toMatch(/^priority: /);
  });

  it('is refused on a columnar topic', () => {
    expect(refusal('tags.sampled.v1', octets(request))).toBe('columnar, not JSON');
  });

  it('is refused, and nothing else is thrown, whatever the octets', () => {
    const octet = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), octet, (topic, value) => {
        expect(refusal(topic, value)).not.toBe('accepted');
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...JSON_TOPICS), fc.json(), (topic, text) => {
        expect(refusal(topic, new TextEncoder().encode(text))).not.toBe('accepted');
      }),
    );
  });

  it('never carries a number that JSON cannot say', () => {
    const at = { ...request, requestedAt: Number.NaN } as never;
    expect(refusal('control.requested.v1', encodeJson('control.requested.v1', at))).toMatch(/^requestedAt: /);
  });
});
