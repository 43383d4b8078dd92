import type {
  ControlRequest,
  ControlValue,
  End,
  Executed,
  Grant,
  Held,
  Hold,
  Origin,
  PolicyConfig,
  Refused,
  Started,
} from '@busbar/events';
import { expiryOf, makeDeadline, type Now, remainingMs } from './deadline.js';
import { decide } from './decide.js';
import type { ControlDirectory, ControlPoint } from './directory.js';
import { replay } from './replay.js';
import { type ControlEvent, type ControlState, type Effect, emptyState } from './state.js';

/** A site for cases and property tests: points, sources, and everything that is on the bus. */

export const SOURCES: Readonly<Record<string, Pick<Origin, 'source' | 'kind'>>> = {
  O: { source: 'operator', kind: 'operator' },
  D: { source: 'external:dispatch', kind: 'external' },
  C: { source: 'cloud:enos', kind: 'cloud' },
  C2: { source: 'cloud:other', kind: 'cloud' },
  A: { source: 'app:ems', kind: 'app' },
};

const POLICY: PolicyConfig = {
  kind: 'policy',
  id: 'default',
  points: [],
  holdMs: 60_000,
  maxHoldMs: 60_000,
  expiryMs: 30_000,
  maxExpiryMs: 300_000,
  limits: {},
  feedback: { withinMs: 5000, tolerance: 0.5 },
};

const LAPSE = { timeoutMs: 10_000 } as const;

export interface WorldGiven {
  readonly policy?: Partial<PolicyConfig>;
  readonly term?: number;
  /** Sources that may not command. */
  readonly mayNot?: readonly string[];
  readonly holds?: readonly {
    readonly point: string;
    readonly source: string;
    readonly priority: number;
    readonly value: number;
    readonly forMs: number;
  }[];
}

export interface Ask {
  readonly id: string;
  readonly from: string;
  readonly items: readonly {
    readonly point: string;
    readonly value: ControlValue | null;
    readonly qualifier?: string;
  }[];
  readonly act?: ControlRequest['act'];
  readonly link?: string;
  /** How much older than its arrival the asker's own clock says it is. */
  readonly olderMs?: number;
  readonly externalId?: string;
  readonly priority?: number;
  readonly holdMs?: number;
  readonly dryRun?: boolean;
  readonly expiresMs?: number;
  /** As an entry would write it that does not know the policy. */
  readonly rawExpiresMs?: number;
  readonly isBeforeOffice?: boolean;
}

interface Bus {
  readonly requested: ControlRequest[];
  readonly granted: Grant[];
  readonly started: Started[];
  readonly refused: Refused[];
  readonly executed: Executed[];
  readonly held: Map<string, Held>;
  readonly executors: Map<string, string>;
}

export class World {
  state: ControlState = emptyState();
  readonly bus: Bus = {
    requested: [],
    granted: [],
    started: [],
    refused: [],
    executed: [],
    held: new Map(),
    executors: new Map(),
  };
  wakeAtMs = Number.POSITIVE_INFINITY;
  now: Now = { bootId: 'node-1', monotonicMs: 1_000_000, wallMs: 1_700_000_000_000 };
  readonly #points: Map<string, ControlPoint>;
  readonly #policy: PolicyConfig;
  readonly #mayNot: readonly string[];

  constructor(given: WorldGiven = {}) {
    this.#policy = { ...POLICY, ...given.policy };
    this.#mayNot = given.mayNot ?? [];
    this.#points = new Map([
      ['P', this.#point('P', {})],
      ['Q', this.#point('Q', {})],
      ['S', this.#point('S', { connection: 'line-2' })],
      ['B', this.#point('B', { type: 'enum' })],
      // Select before operate: `SB` a switch that demands it, `SP` a kept value that allows it.
      ['SB', this.#point('SB', { type: 'enum', policy: { ...this.#policy, select: { mode: 'required', ...LAPSE } } })],
      ['SP', this.#point('SP', { policy: { ...this.#policy, select: { mode: 'optional', ...LAPSE } } })],
      ['R', this.#point('R', { access: 'r' })],
      ['RO', this.#point('RO', { connection: 'line-ro', isReadOnly: true })],
    ]);
    const { policy, ...ungoverned } = this.#point('N', {});
    this.#points.set('N', ungoverned);
    for (const connection of ['line-1', 'line-2', 'line-ro']) this.executor(connection, 'e1');
    this.send({ kind: 'office', term: given.term ?? 4 });
    for (const { forMs, ...hold } of given.holds ?? []) {
      this.state.holds.set(hold.point, { ...hold, kind: 'value', until: makeDeadline(this.now, forMs) });
    }
  }

  get directory(): ControlDirectory {
    return {
      generation: 1,
      point: (path) => this.#points.get(path),
      mayCommand: (source) => !this.#mayNot.includes(source),
    };
  }

  /** Moves both clocks to a time after the beginning. */
  goTo(atMs: number): void {
    this.now = { bootId: 'node-1', monotonicMs: 1_000_000 + atMs, wallMs: 1_700_000_000_000 + atMs };
  }

  send(event: ControlEvent): readonly Effect[] {
    const { state, effects, wakeAtMs } = decide(this.state, event, { directory: this.directory, now: this.now });
    this.state = state;
    this.wakeAtMs = wakeAtMs;
    for (const effect of effects) this.#publish(effect);
    return effects;
  }

  ask(ask: Ask, askedAt: Now = this.now): readonly Effect[] {
    const request = this.request(ask, askedAt);
    if (!this.bus.requested.some(({ id }) => id === request.id)) this.bus.requested.push(request);
    return this.send({ kind: 'requested', request, ...(ask.isBeforeOffice ? { isBeforeOffice: true } : {}) });
  }

  request(ask: Ask, askedAt: Now): ControlRequest {
    const { id, from, items, act = 'operate', externalId, priority, holdMs, dryRun = false, link = 'l1' } = ask;
    const origin = { ...(SOURCES[from] as (typeof SOURCES)[string]), category: 3, who: from, link };
    const { ms } = expiryOf(ask.expiresMs, this.#policy);
    return {
      id,
      act,
      origin: externalId === undefined ? origin : { ...origin, externalId },
      items: items.map((item) => ({ ...item, value: item.value === 'NaN' ? Number.NaN : item.value })),
      ...(priority === undefined ? {} : { priority }),
      ...(holdMs === undefined ? {} : { holdMs }),
      dryRun,
      requestedAt: askedAt.wallMs,
      ...(ask.olderMs === undefined ? {} : { sourceAt: askedAt.wallMs - ask.olderMs }),
      decideBy: makeDeadline(askedAt, 2000),
      expiresAt: makeDeadline(askedAt, ask.rawExpiresMs ?? ms),
    };
  }

  grantOf(id: string): Grant {
    const grant = this.bus.granted.find(({ request }) => request.id === id);
    if (!grant) throw new Error(`there is no grant of ${id}`);
    return grant;
  }

  start(id: string): readonly Effect[] {
    const started = { grant: this.grantOf(id), startedAt: this.now.wallMs };
    this.bus.started.push(started);
    return this.send({ kind: 'started', started });
  }

  acknowledge(id: string): readonly Effect[] {
    return this.#execute({ kind: 'acknowledged', id, items: [], at: this.now.wallMs, ...this.grantOf(id).executor });
  }

  /** The executor's end; `isStray`: a record that a wrong executor published. */
  end(id: string, end: End, { epoch, isStray = false }: { epoch?: string; isStray?: boolean } = {}): readonly Effect[] {
    const executor = { ...this.grantOf(id).executor, ...(epoch === undefined ? {} : { epoch }) };
    const executed: Executed = { kind: 'ended', id, end, items: [], late: false, at: this.now.wallMs, ...executor };
    return isStray ? this.send({ kind: 'executed', executed }) : this.#execute(executed);
  }

  executor(connection: string, epoch: string | null): readonly Effect[] {
    if (epoch === null) this.bus.executors.delete(connection);
    else this.bus.executors.set(connection, epoch);
    return this.send({ kind: 'executor', connection, epoch });
  }

  configure(removed: readonly string[]): readonly Effect[] {
    for (const point of removed) this.#points.delete(point);
    return this.send({ kind: 'configured' });
  }

  /** Another arbiter takes office: all that it knows is on the bus. */
  restart(term: number): readonly Effect[] {
    const held = [...this.bus.held].map(([point, record]) => ({ point, held: record }));
    this.state = replay({ ...this.bus, held }, { directory: this.directory, now: this.now });
    return this.send({ kind: 'office', term });
  }

  /** What the bus says of a request: every end, in order; the first one counts. */
  endsOf(id: string): End[] {
    return [
      ...this.bus.refused.filter(({ request }) => request.id === id).map(({ end }) => end),
      ...this.bus.executed.flatMap((record) => (record.kind === 'ended' && record.id === id ? [record.end] : [])),
    ];
  }

  restMs(hold: Hold): number {
    return remainingMs(hold.until, this.now);
  }

  #execute(executed: Executed): readonly Effect[] {
    this.bus.executed.push(executed);
    return this.send({ kind: 'executed', executed });
  }

  #publish(effect: Effect): void {
    if (effect.kind === 'grant') this.bus.granted.push(effect.grant);
    else if (effect.kind === 'refused') this.bus.refused.push(effect.refused);
    else if (effect.kind === 'ended') {
      this.bus.executed.push(effect.ended);
      // As on the bus, the arbiter hears its own records: they change nothing.
      const heard = this.send({ kind: 'executed', executed: effect.ended });
      if (heard.length > 0) throw new Error(`${effect.ended.id} was heard twice`);
    } else if (effect.kind === 'hold') {
      this.bus.held.set(effect.point, { kind: 'holds', term: effect.term, holds: [...effect.holds] });
    }
  }

  #point(id: string, more: Partial<ControlPoint>): ControlPoint {
    const { feedback } = this.#policy;
    return {
      access: 'rw',
      type: 'double',
      ...(more.type === 'enum' ? {} : { range: [0, 100] as const }),
      policy: this.#policy,
      connection: 'line-1',
      isReadOnly: false,
      writes: (value) => [
        {
          point: id,
          device: 'dev-1',
          tag: 1,
          value,
          ...(feedback ? { feedback: { tag: 1, expected: [value], ...feedback } } : {}),
        },
      ],
      ...more,
    };
  }
}
