import { BatchBuilder, type SampleBatch, type SideValue } from '@busbar/batch';
import type { Diagnosis } from '@busbar/errors';
import type { PointConfig } from '@busbar/events';
import type { Quality } from '@busbar/model';
import type { CommandAnswer, SinkAsset, SinkCommand, SinkContext, SinkMessage } from '@busbar/sink-sdk';
import type { Target } from './target.js';

/** Points of the one model that the suites use, by number: eight floats, then one of each other kind. */
export const POINTS: readonly (PointConfig | undefined)[] = [
  undefined,
  ...Array.from({ length: 8 }, (_, i) => point(i + 1, `t${i}`, { quality: i % 2 === 1 })),
  point(9, 'enabled', { type: 'bool', access: 'rw', kind: 'DI' }),
  point(10, 'energy', { type: 'long' }),
  point(11, 'name', { type: 'string' }),
  point(12, 'limit', { access: 'rw', quality: true }),
];

export const ASSETS = ['inv-01', 'inv-02', 'inv-03'] as const;

function point(number: number, id: string, more: Partial<PointConfig> = {}): PointConfig {
  return { number, id, title: id, type: 'double', kind: 'AI', access: 'r', quality: false, ...more };
}

export interface TestSample {
  readonly point: number;
  readonly value: number | SideValue;
  readonly quality?: Quality;
  readonly timeMs?: number;
}

export const START_MS = 1_700_000_000_000;

export function batchOf(asset: string, samples: readonly TestSample[], timeMs = START_MS): SampleBatch {
  const builder = new BatchBuilder(samples.length, timeMs);
  for (const sample of samples) {
    const { quality = 0, timeMs: own = timeMs } = sample;
    if (typeof sample.value === 'number') builder.put(sample.point, sample.value, quality, own);
    else builder.putSide(sample.point, sample.value, quality, own);
  }
  return builder.finish({ kind: 'points', key: asset, generation: 1, collectedMs: timeMs });
}

/** What a test lends to a sink, and what it saw of it. */
export class TestHost {
  readonly lost: Diagnosis[] = [];
  readonly commands: SinkCommand[] = [];
  skipped = 0;
  answer: (command: SinkCommand) => Promise<CommandAnswer> = async () => ({ code: 200, message: '', data: {} });
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  asset(id: string): SinkAsset {
    return { asset: id, title: id, model: 'inverter', identity: this.#target.identity(id) };
  }

  context<Config>(config: Config, assets: readonly string[] = ASSETS): SinkContext<Config> {
    return {
      sink: 'north',
      site: 'site-1',
      config,
      assets: assets.map((id) => this.asset(id)),
      points: (model) => (model === 'inverter' ? POINTS : undefined),
      clock: { monotonicMs: () => performance.now(), wallMs: () => START_MS },
      log: { debug: () => {}, warn: () => {} },
      secret: (reference) => this.#target.secret(reference),
      command: (command) => {
        this.commands.push(command);
        return this.answer(command);
      },
      lost: (diagnosis) => this.lost.push(diagnosis),
      skipped: (values) => {
        this.skipped += values;
      },
    };
  }

  message(asset: string, samples: readonly TestSample[], timeMs = START_MS): SinkMessage {
    return this.messageOf(asset, batchOf(asset, samples, timeMs));
  }

  messageOf(asset: string, batch: SampleBatch): SinkMessage {
    const selected = Array.from({ length: batch.count }, (_, i) => i);
    return { asset: this.asset(asset), batch, selected, points: POINTS, late: false };
  }
}
