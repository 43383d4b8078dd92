import { decodeBatch, encodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, Delivery, InRecord, OutRecord, TableView } from '@busbar/bus';
import { BusbarError, isBusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import { type AppliedGeneration, BUS, CLOCK, ConfigurationView, LOGGER, type Logger } from '@busbar/service-kit';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { AssetImage } from './asset-image.js';
import { MapperMetrics } from './mapper-metrics.js';
import { compileRoutes, type Routes } from './routes.js';

/** An asset's image is written at most this often while it changes. */
const IMAGE_PERIOD_MS = 10_000;
/** Generations remembered: samples taken before a publication are mapped as they were meant. */
const KEPT_GENERATIONS = 3;

/** Tag samples to point updates. Holds no value that the log does not have: a crash costs nothing. */
@Injectable()
export class MapperService implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  /** Newest last. */
  readonly #routes: Routes[] = [];
  /** Newest generation that samples have named. */
  #wanted = 0;
  #waiting: (() => void)[] = [];
  readonly #images = new Map<string, AssetImage>();
  #imaged: TableView | null = null;
  #isImagedReady = false;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #unsubscribe: (() => void) | null = null;
  #isStopping = false;

  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(ConfigurationView) private readonly configuration: ConfigurationView,
    @Inject(MapperMetrics) private readonly metrics: MapperMetrics,
  ) {}

  onApplicationBootstrap(): void {
    const imaged = this.bus.table('assets.imaged.v1');
    this.#imaged = imaged;
    imaged.ready.then(
      () => {
        this.#isImagedReady = true;
      },
      (error) => this.log.error({ err: error }, 'images cannot be read, none is written'),
    );
    this.#unsubscribe = this.configuration.onChange((next) => this.#apply(next));
    this.#timer = setInterval(() => void this.#writeImages(), IMAGE_PERIOD_MS);
  }

  /** Whoever waits for a generation gives up; the consumption goes on until the transport closes. */
  beforeApplicationShutdown(): void {
    this.#isStopping = true;
    this.#unsubscribe?.();
    if (this.#timer) clearInterval(this.#timer);
    this.#wake();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#writing;
    await this.#writeImages();
    await this.#imaged?.stop();
  }

  /** Maps the samples of one delivery; resolves when the points are durable. */
  async handle(delivery: Delivery): Promise<void> {
    const batches = delivery.records.flatMap((record) => this.#decode(delivery, record) ?? []);
    // Without a wait everything up to `publish` is one turn: deliveries must not overtake each other.
    if (!this.#isKnown(batches)) await this.#untilKnown(batches);
    const out = batches.flatMap((batch) => this.#map(batch));
    if (out.length === 0) return;
    await this.bus.publish(out);
    for (const { object } of out) this.metrics.values.inc((object as SampleBatch).count);
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

  #map(batch: SampleBatch): OutRecord[] {
    const { byDevice, generation } = this.#routesOf(batch.generation);
    const routes = byDevice.get(batch.key);
    if (!routes) {
      this.metrics.unmapped.inc(batch.count);
      return [];
    }
    const out: OutRecord[] = [];
    for (const { asset, mapping } of routes) {
      const points = mapping.toPoints(batch, { asset, generation });
      if (!points) continue;
      out.push({ topic: 'points.updated.v1', key: asset, value: encodeBatch(points), object: points });
      // An image speaks of the newest generation alone.
      if (generation === this.#newest) this.#imageOf(asset).update(points);
    }
    return out;
  }

  #imageOf(asset: string): AssetImage {
    let image = this.#images.get(asset);
    if (!image) {
      image = new AssetImage(asset);
      this.#images.set(asset, image);
    }
    return image;
  }

  get #newest(): number {
    return this.#routes.at(-1)?.generation ?? 0;
  }

  /** Tag numbers mean the table that the device had in the generation of the batch; before the oldest known, its. */
  #routesOf(generation: number): Routes {
    const routes = this.#routes.findLast((known) => known.generation <= generation) ?? this.#routes[0];
    return routes as Routes;
  }

  #isKnown(batches: readonly SampleBatch[]): boolean {
    for (const { generation } of batches) this.#wanted = Math.max(this.#wanted, generation);
    return this.#routes.length > 0 && this.#newest >= this.#wanted;
  }

  /** Samples of a newer generation wait until it is whole here too, and those that came later wait behind them. */
  async #untilKnown(batches: readonly SampleBatch[]): Promise<void> {
    while (!this.#isKnown(batches)) {
      if (this.#isStopping) throw new BusbarError('BUS_CLOSED', { topic: 'points.updated.v1' });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #apply(next: AppliedGeneration): void {
    const before = this.#routes.at(-1);
    const routes = compileRoutes(next);
    for (const { asset, error } of routes.failures) this.log.error({ err: error, asset }, 'asset cannot be mapped');
    this.#routes.push(routes);
    if (this.#routes.length > KEPT_GENERATIONS) this.#routes.shift();
    for (const [asset, model] of before?.models ?? []) {
      const newModel = routes.models.get(asset);
      if (newModel === undefined) this.#images.delete(asset);
      else if (newModel !== model) this.#images.set(asset, new AssetImage(asset, next.number));
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #writeImages(): Promise<void> {
    this.#writing ??= this.#publishImages().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #publishImages(): Promise<void> {
    if (this.#routes.length === 0 || !this.#isImagedReady) return;
    const now = this.clock.wallMs();
    const images = [...this.#images.values()].filter((image) => image.isDirty);
    if (images.length === 0) return;
    const records = images.map((image): OutRecord => {
      const batch = image.take(this.#standing(image.asset), this.#newest, now);
      return { topic: 'assets.imaged.v1', key: image.asset, value: encodeBatch(batch), object: batch };
    });
    let isDurable = false;
    try {
      await this.bus.publish(records);
      isDurable = true;
    } catch (error) {
      this.log.warn({ err: error }, 'images were not written; they are in the next period');
    }
    for (const image of images) image.written(isDurable);
  }

  /** The image in the log; none where it cannot be read, and it is written anew. */
  #standing(asset: string): SampleBatch | null {
    const record = this.#imaged?.get(asset);
    if (!record?.value) return null;
    if (record.object !== undefined) return record.object as SampleBatch;
    try {
      return decodeBatch(record.value);
    } catch (error) {
      this.log.warn({ err: error, asset }, 'image cannot be read');
      return null;
    }
  }
}
