import { diff, type PlanEntry, type Planned, type PlanSite, plan, planLines, planSettings } from '@busbar/address-plan';
import type { Diagnosis } from '@busbar/errors';
import { GOOD, type Quality, qualityLevel, uncertain } from '@busbar/model';
import {
  EventBacklog,
  type Listening,
  PointImage,
  type ServerClientConfig,
  type ServerHost,
  type ServerSpec,
} from '@busbar/server-sdk';
import { TestControls } from './test-controls.js';
import { testSite } from './test-site.js';
import { TestTime } from './test-time.js';

export interface TestServerOptions {
  /** As a user writes it; port 0. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Without them anybody may connect and command, as `ems`. */
  readonly clients?: readonly ServerClientConfig[];
  readonly control?: boolean;
  readonly site?: PlanSite;
  /** What is behind a reference; without it a text that names it. */
  readonly secret?: (reference: string) => string;
  /** Events per group of masters. */
  readonly mostEvents?: number;
}

export interface TestValue {
  readonly asset: string;
  readonly point: string;
  /** NaN: none. */
  readonly value: number | string;
  readonly quality?: Quality;
  readonly timeMs?: number;
}

export const ANYBODY: readonly ServerClientConfig[] = [{ name: 'ems', addresses: [], group: 'ems', control: true }];

/** A server with everything that a host lends: image, queue, an arbiter by script, a clock that stands still. */
export class TestServer<Config> {
  readonly time = new TestTime();
  readonly controls = new TestControls();
  readonly refused: string[] = [];
  /** How often by `what: answer`. */
  readonly requests = new Map<string, number>();
  readonly lost: Diagnosis[] = [];
  readonly notices: Diagnosis[] = [];
  /** Calls of `changed`. */
  changes = 0;
  plan: Planned;
  image: PointImage;
  clients: readonly ServerClientConfig[];
  control: boolean;
  #site: PlanSite;
  #listening: Listening | undefined;
  readonly #spec: ServerSpec<Config>;
  readonly #options: TestServerOptions;
  readonly #groups = new Map<string, EventBacklog>();

  constructor(spec: ServerSpec<Config>, options: TestServerOptions) {
    this.#spec = spec;
    this.#options = options;
    this.#site = options.site ?? testSite();
    this.clients = options.clients ?? ANYBODY;
    this.control = options.control ?? true;
    this.plan = plan(this.#settings(), this.#site);
    this.image = new PointImage(this.plan.entries.length);
  }

  get listening(): Listening {
    if (!this.#listening) throw new Error('the server does not listen');
    return this.#listening;
  }

  get port(): number {
    return this.listening.port;
  }

  /** @param more settings that differ from those of the options, such as the port of before. */
  async listen(more: Readonly<Record<string, unknown>> = {}): Promise<Listening> {
    this.#listening = await this.#spec.listen(this.host(more), new AbortController().signal);
    return this.#listening;
  }

  host(more: Readonly<Record<string, unknown>> = {}): ServerHost<Config> {
    const { plan: addresses, image, clients, control, time, controls } = this;
    const quiet = () => undefined;
    return {
      connection: 'ems-link',
      site: 'site-1',
      config: this.#spec.config.parse({ ...this.#options.config, ...more }),
      clients,
      control,
      plan: addresses,
      image,
      queue: { cursor: (group) => this.events(group) },
      controls,
      clock: time,
      timers: time,
      log: { debug: quiet, info: quiet, warn: quiet },
      counts: {
        clientRefused: (why) => void this.refused.push(why),
        request: (what, answer) => {
          const key = `${what}: ${answer}`;
          this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
        },
      },
      secret: async (reference) => this.#options.secret?.(reference) ?? `the value of ${reference}`,
      changed: () => {
        this.changes++;
      },
      notice: (diagnosis) => void this.notices.push(diagnosis),
      lost: (diagnosis) => void this.lost.push(diagnosis),
    };
  }

  /** What waits for a group of masters. */
  events(group: string): EventBacklog {
    const known = this.#groups.get(group);
    if (known) return known;
    const made = new EventBacklog(this.#options.mostEvents ?? 100_000);
    this.#groups.set(group, made);
    return made;
  }

  entry(asset: string, point: string, role: PlanEntry['role'] = 'value'): PlanEntry {
    return this.plan.entries[this.slot(asset, point, role)] as PlanEntry;
  }

  slot(asset: string, point: string, role: PlanEntry['role'] = 'value'): number {
    const slot = this.plan.entries.findIndex(
      (entry) => entry.role === role && entry.asset === asset && (entry.point ?? entry.service) === point,
    );
    if (slot === -1) throw new Error(`the plan has no ${role} of ${asset}/${point}`);
    return slot;
  }

  /** Values of one scan: into the image and, for `soe`, the queues, then to the server in one call. */
  set(...values: readonly TestValue[]): void {
    const slots = values.flatMap((value) => this.#put(value));
    this.#listening?.apply(Uint32Array.from(slots), slots.length);
  }

  /** Another plan as the next generation makes it. */
  replan(next: { site?: PlanSite; clients?: readonly ServerClientConfig[]; control?: boolean }): boolean {
    const before = this.plan;
    const lines = planLines(before, this.#settings());
    this.#site = next.site ?? this.#site;
    this.clients = next.clients ?? this.clients;
    this.control = next.control ?? this.control;
    this.plan = plan(this.#settings(), this.#site, lines);
    const places = new Map(before.entries.map((entry, slot) => [keyOf(entry), slot]));
    const slotOf = Int32Array.from(this.plan.entries, (entry) => places.get(keyOf(entry)) ?? -1);
    this.image = this.image.moved(slotOf);
    const moved = new Map([...slotOf].flatMap((old, slot) => (old < 0 ? [] : [[old, slot] as const])));
    for (const backlog of this.#groups.values()) backlog.remap((old) => moved.get(old) ?? -1);
    const { plan: addresses, image, clients, control } = this;
    return this.listening.replan({ plan: addresses, image, diff: diff(before, addresses), clients, control });
  }

  /** As after a new start of the process: the same plan, what was known is as old as it is. */
  async restart(): Promise<void> {
    const { port } = this;
    await this.close();
    for (let slot = 0; slot < this.image.slots; slot++) {
      if (qualityLevel(this.image.quality[slot] as number) === 'good') this.image.quality[slot] = uncertain('stale');
    }
    await this.listen({ port });
  }

  async close(): Promise<void> {
    await this.#listening?.close();
  }

  #settings() {
    const config = this.#spec.config.parse(this.#options.config);
    return planSettings(this.#spec.addressing, config, { control: this.control });
  }

  #put({ asset, point, value, quality = GOOD, timeMs = this.time.wallMs() }: TestValue): number[] {
    const slots: number[] = [];
    this.plan.entries.forEach((entry, slot) => {
      const isService = entry.role === 'service' && entry.service === point && (entry.asset ?? '') === asset;
      const isPoint = (entry.role === 'value' || entry.role === 'control') && entry.point === point;
      if (!isService && !(isPoint && entry.asset === asset)) return;
      const number = typeof value === 'number' ? value : Number.NaN;
      if (typeof value === 'string') this.image.text.set(slot, value);
      else this.image.text.delete(slot);
      this.image.set(slot, number, { timeMs, quality, isCollected: false });
      slots.push(slot);
      if (entry.role !== 'value' || entry.event !== 'soe') return;
      for (const backlog of this.#groups.values()) {
        backlog.append({ slot, value: number, timeMs, quality, isCollected: false });
      }
    });
    return slots;
  }
}

function keyOf({ id, class: name, station }: PlanEntry): string {
  return `${station} ${name} ${id}`;
}

/** A server that is not listening yet. */
export function testServerHost<Config>(spec: ServerSpec<Config>, options: TestServerOptions): TestServer<Config> {
  return new TestServer(spec, options);
}
