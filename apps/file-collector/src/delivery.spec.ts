import type { SinkConnectionConfig } from '@busbar/events';
import type { SinkSpec } from '@busbar/sink-sdk';
import { describe, expect, it } from 'vitest';
import { SinkDelivery } from './delivery.js';

const sent: unknown[] = [];
const spec = {
  config: {
    safeParse: (given: object) =>
      'url' in given
        ? { success: true, data: given }
        : { success: false, error: { issues: [{ path: ['url'], message: 'missing' }] } },
  },
  sendFile: async (
    context: { config: unknown; progress(bytes: number): void },
    file: { asset: unknown; point: { id: string }; name: string },
  ) => {
    context.progress(3);
    sent.push([context.config, file.point.id, file.name]);
    return { uri: 'u' };
  },
} as unknown as SinkSpec;

function sink(id: string, change: Partial<SinkConnectionConfig> = {}): SinkConnectionConfig {
  const rule = { type: 'REALTIME', intervalMs: 0, deadband: 0 } as const;
  return {
    kind: 'sink',
    id,
    title: id,
    sink: 'files',
    control: false,
    with: { url: 'x' },
    site: 's',
    profiles: [{ model: 'm', points: [{ number: 7, rule }] }],
    assets: [{ asset: 'a', title: 'a', model: 'm', profile: 0, identity: {} }],
    ...change,
  };
}

function delivery(...connections: SinkConnectionConfig[]): SinkDelivery {
  const specs = new Map([
    ['files', spec],
    ['values', { config: spec.config } as SinkSpec],
  ]);
  const made = new SinkDelivery(specs, { monotonicMs: () => 0, wallMs: () => 0 }, async () => '');
  const point = { number: 7, id: 'P', title: '', type: 'file', kind: 'AI', access: 'r', quality: true } as const;
  const models = [
    { kind: 'model', id: 'm', title: '', lineage: ['m'], points: [point], attributes: {}, services: {} },
  ] as const;
  const configuration = { connections, models } as never;
  made.apply({ number: 1, digest: '', configuration });
  return made;
}

const off = { type: 'NOT_UPLOAD', intervalMs: 0, deadband: 0 } as const;
const to = { asset: 'a', point: 'P' };

describe('sinks that take a file', () => {
  it('are those that can, are sent its point, and are not told to leave it out', () => {
    const all = delivery(
      sink('yes'),
      sink('values-only', { sink: 'values' }),
      sink('unknown', { sink: 'none' }),
      sink('other-asset', { assets: [] }),
      sink('left-out', { profiles: [{ model: 'm', points: [{ number: 7, rule: off }] }] }),
      sink('not-sent', { profiles: [{ model: 'm', points: [] }] }),
    );
    expect(all.sinksOf(to)).toEqual(['yes']);
    expect(all.sinksOf({ asset: 'a', point: 'Q' })).toEqual([]);
  });

  it('get it with their own options, which are checked before', async () => {
    const content = { name: 'n', size: 3, sha256: '', md5: '', timeMs: 1, read: async function* () {} };
    const progress: number[] = [];
    const all = delivery(sink('yes'), sink('bad', { with: { wrong: 1 } }));
    const { signal } = new AbortController();
    expect(await all.send({ sink: 'yes', to, content }, (bytes) => progress.push(bytes), signal)).toEqual({ uri: 'u' });
    expect([sent, progress]).toEqual([[[{ url: 'x' }, 'P', 'n']], [3]]);
    await expect(all.send({ sink: 'bad', to, content }, () => undefined, signal)).rejects.toMatchObject({
      code: 'CONNECTION_CONFIG',
    });
    await expect(all.send({ sink: 'gone', to, content }, () => undefined, signal)).rejects.toMatchObject({
      code: 'FILE_NO_TARGET',
    });
  });
});
