import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, type InRecord, openEmbeddedBus } from '@busbar/bus';
import {
  type ConnectionChanged,
  type ControlRequest,
  decodeJson,
  type End,
  type Executed,
  encodeJson,
  type Grant,
  type JsonPayload,
} from '@busbar/events';
import { createLogger } from '@busbar/service-kit';
import { vi } from 'vitest';

type ControlTopic = Extract<Parameters<typeof decodeJson>[0], `control.${string}`>;

export const silentLog = createLogger('arbiter', 'silent');

/** The monotonic clock can be put forward; the wall clock is the real one. */
export class TestClock {
  aheadMs = 0;
  readonly monotonicMs = () => performance.now() + this.aheadMs;
  readonly wallMs = () => Date.now();
}

/** A real bus with everything around an arbiter: who asks and who executes. */
export class OfficeBench {
  readonly clock = new TestClock();
  readonly bus: Bus;
  readonly #folder: string;

  private constructor(bus: Bus, folder: string) {
    this.bus = bus;
    this.#folder = folder;
  }

  static async open(): Promise<OfficeBench> {
    const folder = mkdtempSync(join(tmpdir(), 'busbar-arbiter-'));
    const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
    const bus = await openEmbeddedBus({ folder: join(folder, 'log'), clock, log: silentLog });
    return new OfficeBench(bus, folder);
  }

  async close(): Promise<void> {
    await this.bus.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async executor(connection: string, epoch: string | null): Promise<void> {
    const health = { state: 'active' as const, since: 0, diagnosis: null, scanLoad: null, devices: [], sink: null };
    const owner = { kind: 'access' as const, service: 'collector', member: 'local', epoch, generation: 1, at: 0 };
    const changed: ConnectionChanged = { connection, ...owner, ...health };
    const value = encodeJson('connections.changed.v1', changed);
    await this.bus.publish([{ topic: 'connections.changed.v1', key: connection, value }]);
  }

  request(id: string, value: number, change: Partial<ControlRequest> = {}): ControlRequest {
    const deadline = (ms: number) => ({
      bootId: 'boot',
      monotonicMs: this.clock.monotonicMs() + ms,
      wallMs: this.clock.wallMs() + ms,
    });
    return {
      id,
      act: 'operate',
      origin: { source: 'operator', kind: 'operator', category: 3, who: 'ada', link: 'x' },
      items: [{ point: 'inv-1/Limit', value }],
      dryRun: false,
      requestedAt: this.clock.wallMs(),
      decideBy: deadline(2_000),
      expiresAt: deadline(30_000),
      ...change,
    };
  }

  async ask(id: string, value: number, change: Partial<ControlRequest> = {}): Promise<ControlRequest> {
    const request = this.request(id, value, change);
    await this.put('control.requested.v1', request);
    return request;
  }

  async put<Topic extends ControlTopic>(topic: Topic, payload: JsonPayload<Topic>): Promise<void> {
    await this.bus.publish([{ topic, key: 'k', value: encodeJson(topic, payload) }]);
  }

  async say(grant: Grant, end: End): Promise<void> {
    const { id } = grant.request;
    const { connection, epoch } = grant.executor;
    const ended: Executed = { kind: 'ended', id, connection, epoch, end, items: [], late: false, at: Date.now() };
    await this.put('control.executed.v1', ended);
  }

  async all<Topic extends ControlTopic>(topic: Topic): Promise<JsonPayload<Topic>[]> {
    const records: InRecord[] = await this.bus.range(topic, null, { fromMs: 0, toMs: Date.now() + 60_000 });
    return records.map(({ value }) => decodeJson(topic, value as Uint8Array));
  }

  grantOf(id: string): Promise<Grant> {
    return vi.waitUntil(async () => (await this.all('control.granted.v1')).find(({ request }) => request.id === id), {
      timeout: 10_000,
    });
  }

  /** The end that the arbiter or the executor gave. */
  endOf(id: string): Promise<End> {
    return vi.waitUntil(async () => (await this.endsOf(id))[0], { timeout: 10_000 });
  }

  async endsOf(id: string): Promise<End[]> {
    const refused = (await this.all('control.refused.v1')).filter(({ request }) => request.id === id);
    const ended = (await this.all('control.executed.v1')).filter((result) => result.id === id);
    return [
      ...refused.map(({ end }) => end),
      ...ended.flatMap((result) => (result.kind === 'ended' ? result.end : [])),
    ];
  }
}
