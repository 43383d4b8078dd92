import { decodeBatch, encodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, Delivery, InRecord, OutRecord, TableView } from '@busbar/bus';
import { BusbarError, isBusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import { type AppliedGeneration, BUS, CLOCK, ConfigurationView, LOGGER, type Logger } from '@busbar/service-kit';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AssetImage } from './asset-image.js';
import { MapperMetrics } from './mapper-metrics.js';
import { compileRoutes, type Routes } from './routes.js';

/** An asset's image is written at most this often while it changes. */
const IMAGE_PERIOD_MS = 10_000;

/** Tag samples to point updates. Holds no value that the log does not have: a crash costs nothing. */
@Injectable()
export class MapperService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #routes: Routes | null = null;
  #waiting: (() => void)[] = [];
  readonly #images = new Map<string, AssetImage>();
  #imaged: TableView | null = null;
  #timer: NodeJS.Timeout | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(ConfigurationView) private readonly configuration: ConfigurationView,
    @Inject(MapperMetrics) private readonly metrics: MapperMetrics,
  ) {}

  onApplicationBootstrap(): void {
    this.#imaged = this.bus.table('assets.imaged.v1');
    this.#unsubscribe = this.configuration.onChange((next) => this.#apply(next));
    this.#timer = setInterval(() => void this.#writeImages(), IMAGE_PERIOD_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#unsubscribe?.();
    if (this.#timer) clearInterval(this.#timer);
    await this.#writeImages();
    await this.#imaged?.stop();
  }

  /** Maps the samples of one delivery; resolves when the points are durable. */
  async handle(delivery: Delivery): Promise<void> {
    const out: OutRecord[] = [];
    for (const record of delivery.records) {
      const batch = this.#decode(delivery, record);
      if (!batch) continue;
      const routes = await this.#routesFor(batch.generation);
      this.#map(batch, routes, out);
    }
    if (out.length > 0) await this.bus.publish(out);
  }

  #decode(delivery: Delivery, record: InRecord): SampleBatch | null {
    if (record.object !== undefined) return record.object as SampleBatch;
    try {
      return decodeBatch(record.value as Uint8Array);
    } catch (error) {
      const known = isBusbarError(error)
        ? error
        : new BusbarError('RECORD_REFUSED', { topic: record.topic, reason: String(error) });
      delivery.refuse(record, known.diagnosis);
      return null;
    }
  }

  #map(batch: SampleBatch, { byDevice, generation }: Routes, out: OutRecord[]): void {
    const routes = byDevice.get(batch.key);
    if (!routes) {
      this.metrics.unmapped.inc(batch.count);
      return;
    }
    for (const { asset, mapping } of routes) {
      const points = mapping.toPoints(batch, { asset, generation });
      if (!points) continue;
      out.push({ topic: 'points.updated.v1', key: asset, value: encodeBatch(points), object: points });
      this.metrics.values.inc(points.count);
      this.#imageOf(asset).update(points);
    }
  }

  #imageOf(asset: string): AssetImage {
    let image = this.#images.get(asset);
    if (!image) {
      image = new AssetImage(asset);
      this.#images.set(asset, image);
      const written = this.#imaged?.get(asset)?.value;
      if (written) image.restore(decodeBatch(written));
    }
    return image;
  }

  /** Handles are of the generation that the collector had: values of a newer one wait until it is whole here too. */
  async #routesFor(generation: number): Promise<Routes> {
    while (!this.#routes || this.#routes.generation < generation) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#routes;
  }

  #apply(next: AppliedGeneration): void {
    const routes = compileRoutes(next);
    for (const { asset, error } of routes.failures) this.log.error({ err: error, asset }, 'asset cannot be mapped');
    this.#routes = routes;
    const assets = new Set(next.configuration.assets.map((asset) => asset.id));
    for (const asset of this.#images.keys()) if (!assets.has(asset)) this.#images.delete(asset);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #writeImages(): Promise<void> {
    const generation = this.#routes?.generation;
    if (generation === undefined) return;
    const now = this.clock.wallMs();
    const records: OutRecord[] = [];
    for (const image of this.#images.values()) {
      if (!image.isDirty) continue;
      const batch = image.take(generation, now);
      records.push({ topic: 'assets.imaged.v1', key: image.asset, value: encodeBatch(batch), object: batch });
    }
    if (records.length === 0) return;
    try {
      await this.bus.publish(records);
    } catch (error) {
      // The next period writes newer ones; an image is a convenience for those who start.
      this.log.warn({ err: error }, 'images were not written');
    }
  }
}
