import 'reflect-metadata';
import type { Delivery, InRecord } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import { Controller, type INestMicroservice, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeBus } from './testing/fake-bus.js';
import { BusClient, BusServer, Consume } from './transport.js';

/** What the handlers saw, and what they shall throw. */
class Journal {
  readonly calls: { readonly who: string; readonly delivery: Delivery; readonly signal: AbortSignal }[] = [];
  error: Error | null = null;
  hold: Promise<void> = Promise.resolve();
}

@Controller()
class MapperConsumer {
  readonly #journal: Journal;

  constructor(@Inject(Journal) journal: Journal) {
    this.#journal = journal;
  }

  @Consume('tags.sampled.v1', 'mapper')
  async map(delivery: Delivery, signal: AbortSignal): Promise<void> {
    this.#journal.calls.push({ who: 'mapper', delivery, signal });
    await this.#journal.hold;
    if (this.#journal.error) throw this.#journal.error;
  }
}

@Controller()
class DebugConsumer {
  readonly #journal: Journal;

  constructor(@Inject(Journal) journal: Journal) {
    this.#journal = journal;
  }

  @Consume('tags.sampled.v1', 'api')
  async show(delivery: Delivery, signal: AbortSignal): Promise<void> {
    this.#journal.calls.push({ who: 'api', delivery, signal });
  }

  @Consume('points.updated.v1', 'api')
  async keep(delivery: Delivery, signal: AbortSignal): Promise<void> {
    this.#journal.calls.push({ who: 'points', delivery, signal });
  }
}

let bus: FakeBus;
let app: INestMicroservice;
let journal: Journal;

beforeEach(async () => {
  bus = new FakeBus();
  journal = new Journal();
  @Module({
    controllers: [MapperConsumer, DebugConsumer],
    providers: [{ provide: Journal, useFactory: () => journal }],
  })
  class TestModule {}
  app = await NestFactory.createMicroservice(TestModule, {
    strategy: new BusServer(bus),
    logger: false,
    abortOnError: false,
  });
  await app.listen();
});
afterEach(() => app.close());

function records(count: number): InRecord[] {
  const record = { topic: 'tags.sampled.v1', partition: 0, key: 'inv-01', value: null, object: undefined } as const;
  return Array.from({ length: count }, (_, offset) => ({ ...record, offset, timestampMs: 0 }));
}

describe('a consumer of the kit', () => {
  it('consumes its topic in its group, and two groups read one topic', () => {
    expect(bus.consumed.map(({ topic, group }) => `${topic} ${group}`).sort()).toEqual([
      'points.updated.v1 api',
      'tags.sampled.v1 api',
      'tags.sampled.v1 mapper',
    ]);
  });

  it('is called once per delivery, with all of its records and a signal', async () => {
    const three = records(3);
    await bus.deliver('tags.sampled.v1', 'mapper', three);
    expect(journal.calls).toHaveLength(1);
    expect(journal.calls[0]?.who).toBe('mapper');
    expect(journal.calls[0]?.delivery.records).toBe(three);
    expect(journal.calls[0]?.signal).toBeInstanceOf(AbortSignal);
  });

  it('of the other group gets its own deliveries alone', async () => {
    await bus.deliver('tags.sampled.v1', 'api', records(1));
    await bus.deliver('points.updated.v1', 'api', records(1));
    expect(journal.calls.map(({ who }) => who)).toEqual(['api', 'points']);
  });

  it('can refuse a record', async () => {
    const [one] = records(1) as [InRecord];
    await bus.deliver('tags.sampled.v1', 'mapper', [one]);
    journal.calls[0]?.delivery.refuse(one, { code: 'RECORD_REFUSED', params: {} });
    expect(bus.refused).toMatchObject([{ record: one, diagnosis: { code: 'RECORD_REFUSED' } }]);
  });

  it('gives the bus the very error that it threw', async () => {
    for (const error of [new Error('a defect'), new BusbarError('BUS_FULL', {})]) {
      journal.error = error;
      await expect(bus.deliver('tags.sampled.v1', 'mapper', records(1))).rejects.toBe(error);
    }
  });

  it('settles its delivery only when its promise does', async () => {
    let release: () => void = () => undefined;
    journal.hold = new Promise((resolve) => {
      release = resolve;
    });
    let settled = false;
    const delivered = bus.deliver('tags.sampled.v1', 'mapper', records(1)).then(() => {
      settled = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([journal.calls.length, settled]).toEqual([1, false]);
    release();
    await delivered;
    expect(settled).toBe(true);
  });

  it('is handed the next delivery while the first is under way', async () => {
    let release: () => void = () => undefined;
    journal.hold = new Promise((resolve) => {
      release = resolve;
    });
    const both = [1, 2].map((count) => bus.deliver('tags.sampled.v1', 'mapper', records(count)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(journal.calls).toHaveLength(2);
    release();
    await Promise.all(both);
  });

  it('stops consuming when the service closes', async () => {
    await app.close();
    expect(bus.stopped).toBe(3);
  });
});

describe('the client of the kit', () => {
  it('completes when the record is durable, with its position', async () => {
    const client = new BusClient(bus);
    const value = new Uint8Array([1]);
    const positions: unknown = await firstValueFrom(client.emit('control.held.v1', { key: '@office', value }));
    expect(positions).toEqual([{ partition: 0, offset: 0 }]);
    expect(bus.published).toEqual([{ topic: 'control.held.v1', key: '@office', value }]);
  });

  it('fails with the error of the bus', async () => {
    bus.publishError = new Error('full');
    const emitted = firstValueFrom(new BusClient(bus).emit('control.held.v1', { key: 'k', value: null }));
    await expect(emitted).rejects.toBe(bus.publishError);
  });

  it('asks no questions', async () => {
    await expect(firstValueFrom(new BusClient(bus).send('control.held.v1', {}))).rejects.toThrow('emit only');
  });
});
