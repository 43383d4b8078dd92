import { describe, expect, it, vi } from 'vitest';
import type { PodApi } from './pod-api.js';
import { PodLabels } from './pod-labels.js';

const silent = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };

/** A pod whose writes fail as often as said. */
class FakePod implements PodApi {
  readonly written: Record<string, string>;
  failures = 0;
  writes = 0;

  constructor(labels: Record<string, string> = {}) {
    this.written = { ...labels };
  }

  async labels(): Promise<Readonly<Record<string, string>>> {
    return { ...this.written };
  }

  async label(changes: Readonly<Record<string, string | null>>): Promise<void> {
    this.writes++;
    if (this.failures-- > 0) throw new Error('Kubernetes says 503: not now');
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) delete this.written[name];
      else this.written[name] = value;
    }
  }
}

describe('labels of a forwarder pod', () => {
  it('name what it owns, and nothing that it gave away', async () => {
    const pod = new FakePod({ app: 'forwarder' });
    const labels = new PodLabels(pod, silent as never);
    labels.own('dispatch');
    labels.own('ems');
    await vi.waitFor(() =>
      expect(pod.written).toEqual({
        app: 'forwarder',
        'forwarding.busbar.io/dispatch': 'owner',
        'forwarding.busbar.io/ems': 'owner',
      }),
    );
    labels.disown('dispatch');
    await vi.waitFor(() => expect(pod.written).toEqual({ app: 'forwarder', 'forwarding.busbar.io/ems': 'owner' }));
    await labels.stop();
  });

  it('lose what an earlier process of the pod left', async () => {
    const pod = new FakePod({ 'forwarding.busbar.io/dispatch': 'owner' });
    const labels = new PodLabels(pod, silent as never);
    await vi.waitFor(() => expect(pod.written).toEqual({}));
    await labels.stop();
  });

  it('are written again after a failure, with the newest wish', async () => {
    const pod = new FakePod();
    pod.failures = 2;
    const labels = new PodLabels(pod, silent as never);
    labels.own('dispatch');
    await vi.waitFor(() => expect(pod.writes).toBe(1));
    labels.disown('dispatch');
    labels.own('ems');
    await vi.waitFor(() => expect(pod.written).toEqual({ 'forwarding.busbar.io/ems': 'owner' }), { timeout: 5_000 });
    await labels.stop();
  });

  it('say so when a name cannot be a label', async () => {
    const pod = new FakePod();
    const labels = new PodLabels(pod, silent as never);
    labels.own(`${'x'.repeat(64)}`);
    expect(silent.warn).toHaveBeenCalled();
    await labels.stop();
    expect(pod.written).toEqual({});
  });
});
