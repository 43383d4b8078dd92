import type { Deadline, End, Grant, Hold } from '@busbar/events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit } from './admit.js';
import { type Ask, World } from './case-world.js';
import { expiryOf, isPast, makeDeadline, remainingMs } from './deadline.js';
import type { Effect } from './state.js';

type Op =
  | { readonly op: 'pass'; readonly ms: number }
  | { readonly op: 'ask'; readonly ask: Omit<Ask, 'id'>; readonly olderMs: number }
  | { readonly op: 'repeat'; readonly which: number }
  | { readonly op: 'start'; readonly which: number; readonly recordDelayMs: number }
  | { readonly op: 'acknowledge' | 'end'; readonly which: number; readonly end: End }
  | { readonly op: 'executor'; readonly isGone: boolean }
  | { readonly op: 'restart' };

const VERIFIED: End = { kind: 'executed', verified: true, written: true, clamped: false };
const seldom = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 5, nil: undefined });
const item = fc.record({
  point: fc.constantFrom('P', 'P', 'Q', 'B', 'SB', 'SB', 'SP'),
  value: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 3 }) }, { weight: 1, arbitrary: fc.constant(101) }),
});
const ask = fc
  .record({
    from: fc.constantFrom('O', 'D', 'C', 'C2', 'A'),
    items: fc.oneof(
      { weight: 4, arbitrary: fc.tuple(item) },
      {
        weight: 1,
        arbitrary: fc.constant([
          { point: 'P', value: 1 },
          { point: 'Q', value: 2 },
        ]),
      },
    ),
    act: fc.oneof(
      { weight: 9, arbitrary: fc.constant('operate' as const) },
      { weight: 6, arbitrary: fc.constantFrom('select' as const, 'select' as const, 'cancel' as const) },
      { weight: 1, arbitrary: fc.constantFrom('renew' as const, 'release' as const) },
    ),
    link: fc.constantFrom('l1', 'l1', 'l2'),
    externalId: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
    expiresMs: seldom(fc.constantFrom(300, 1500, 400_000)),
    holdMs: fc.option(fc.constantFrom(0, 900, 20_000), { nil: undefined }),
    priority: seldom(fc.constantFrom(3, 10, 15)),
    dryRun: fc.oneof({ weight: 19, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  })
  .map(({ externalId, expiresMs, holdMs, priority, ...rest }) => ({
    ...rest,
    ...(externalId === undefined ? {} : { externalId }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
    ...(holdMs === undefined ? {} : { holdMs }),
    ...(priority === undefined ? {} : { priority }),
  }));
const which = fc.nat({ max: 2 });
const end = fc.constantFrom<End>(
  VERIFIED,
  { kind: 'failed', effect: 'none', reason: 'DEVICE_REFUSED' },
  { kind: 'unknown', reason: 'NO_ANSWER' },
);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 20, 150, 1000, 2500, 9000, 61_000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('ask' as const), ask, olderMs: fc.constantFrom(0, 0, 0, 0, 0, 400, 2500) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('repeat' as const), which }) },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('start' as const), which, recordDelayMs: fc.constantFrom(0, 0, 500, 2900) }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom('acknowledge' as const, 'end' as const), which, end }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('executor' as const), isGone: fc.constantFrom(false, false, false, true) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const) }) },
);

/** Plays operations against the arbiter and an executor that obeys its gate, and watches for what must never happen. */
class Play {
  readonly world = new World({ policy: { maxExpiryMs: 20_000, expiryMs: 5000 } });
  readonly log: string[] = [];
  #atMs = 0;
  #term = 4;
  #epochs = 1;
  #asked = 0;
  /** The first end of each request. */
  readonly #ended = new Map<string, End['kind']>();
  readonly #granted = new Map<string, Grant>();
  readonly #holds = new Map<string, Hold>();
  readonly #selections = new Map<string, Hold>();
  /** Selections used up by the event under way. */
  #used: Hold[] = [];
  readonly #acknowledged = new Set<string>();
  readonly #started = new Set<string>();
  readonly #executorEnded = new Set<string>();
  /** Records of starts on their way to the arbiter. */
  readonly #starts: { readonly id: string; readonly atMs: number }[] = [];

  run(ops: readonly Op[]): void {
    for (const each of ops) this.#apply(each);
    this.#pass(400_000);
    expect(this.world.state.open.size).toBe(0);
    for (const { id } of this.world.bus.requested) expect(this.#ended.has(id), `${id} has an end`).toBe(true);
  }

  #apply(each: Op): void {
    const { world } = this;
    switch (each.op) {
      case 'pass':
        this.#pass(each.ms);
        break;
      case 'ask': {
        this.#asked += 1;
        const id = `r${this.#asked}`;
        this.#watch(() => world.ask({ ...each.ask, id }, makeDeadline(world.now, -each.olderMs)));
        break;
      }
      case 'repeat': {
        const request = world.bus.requested[each.which % Math.max(1, world.bus.requested.length)];
        if (request) this.#watch(() => world.send({ kind: 'requested', request }));
        break;
      }
      case 'executor':
        this.#epochs += 1;
        this.#watch(() => world.executor('line-1', each.isGone ? null : `e${this.#epochs}`));
        break;
      case 'restart':
        this.#term += 1;
        this.#watch(() => world.restart(this.#term));
        break;
      default:
        this.#execute(each);
    }
  }

  #execute(each: Extract<Op, { readonly which: number }>): void {
    const { world } = this;
    const epoch = world.bus.executors.get('line-1');
    const mine = world.bus.granted.filter(
      ({ request, executor }) => executor.epoch === epoch && !this.#executorEnded.has(request.id),
    );
    const grant = mine[mine.length - 1 - (each.which % Math.max(1, mine.length))];
    if (!grant || epoch === undefined) return;
    const { id } = grant.request;
    const isStarted = this.#started.has(id);
    if (each.op === 'start') {
      if (isStarted || admit({ grant, epoch, highestTerm: 0, lease: true, now: world.now }) !== 'execute') return;
      this.#started.add(id);
      this.#starts.push({ id, atMs: this.#atMs + each.recordDelayMs });
      this.#pass(0);
    } else if (!isStarted || this.#starts.some((start) => start.id === id)) return;
    else if (each.op === 'acknowledge') {
      this.#acknowledged.add(id);
      this.#watch(() => world.acknowledge(id));
    } else if (each.op === 'end') {
      this.#executorEnded.add(id);
      if (!this.#ended.has(id)) this.#ended.set(id, each.end.kind);
      this.#watch(() => world.end(id, each.end));
    }
  }

  /** Time passes: the arbiter is woken when it asked to be, and records of starts arrive. */
  #pass(ms: number): void {
    const until = this.#atMs + ms;
    for (;;) {
      const next = Math.min(this.world.wakeAtMs - 1_000_000, ...this.#starts.map(({ atMs }) => atMs));
      if (next > until) break;
      this.#atMs = Math.max(this.#atMs, next);
      this.world.goTo(this.#atMs);
      const due = this.#starts.findIndex(({ atMs }) => atMs <= this.#atMs);
      if (due === -1) this.#watch(() => this.world.send({ kind: 'tick' }));
      else {
        const [start] = this.#starts.splice(due, 1);
        this.#watch(() => this.world.start(start?.id ?? ''));
      }
    }
    this.#atMs = until;
    this.world.goTo(until);
  }

  #watch(act: () => readonly Effect[]): void {
    const effects = act();
    this.#used = [];
    this.log.push(JSON.stringify(effects));
    for (const effect of effects) this.#judge(effect);
    expect(this.world.wakeAtMs).toBeGreaterThan(this.world.now.monotonicMs);
  }

  #judge(effect: Effect): void {
    if (effect.kind === 'grant') this.#judgeGrant(effect.grant);
    else if (effect.kind === 'hold') this.#judgeHold(effect);
    else if (effect.kind !== 'noted') {
      const [id, end] =
        effect.kind === 'refused'
          ? [effect.refused.request.id, effect.refused.end]
          : [effect.ended.id, effect.ended.end];
      expect(this.#ended.has(id), `${id} ends once`).toBe(false);
      if (this.#started.has(id)) expect(['executed', 'unknown'], `${id} was started`).toContain(end.kind);
      this.#ended.set(id, end.kind);
    }
  }

  #judgeGrant(grant: Grant): void {
    const { id, items, expiresAt } = grant.request;
    const { now } = this.world;
    expect(this.#granted.has(id), `${id} is granted once`).toBe(false);
    expect(this.#ended.has(id), `${id} is not granted after its end`).toBe(false);
    expect(isPast(expiresAt, now)).toBe(false);
    expect(remainingMs(grant.permitUntil, now)).toBeLessThanOrEqual(Math.min(2000, remainingMs(expiresAt, now)));
    for (const [other, { request }] of this.#granted) {
      if (this.#ended.has(other)) continue;
      const isShared = request.items.some(({ point }) => items.some((mine) => mine.point === point));
      const isSwitch = request.items.some(({ point }) => point === 'B');
      if (isShared) expect(this.#acknowledged.has(other) && !isSwitch, `${other} is in flight`).toBe(true);
    }
    this.#granted.set(id, grant);
    for (const { point, value } of items) {
      expect(this.#selections.has(point), `${point} is granted while it is selected`).toBe(false);
      const { origin } = grant.request;
      const isUsed = (by: Hold) =>
        by.point === point && by.source === origin.source && by.link === origin.link && by.value === value;
      if (point === 'SB') expect(this.#used.some(isUsed), `${id} was selected`).toBe(true);
    }
  }

  #judgeSelection(point: string, next: Hold | undefined): void {
    const before = this.#selections.get(point);
    const isOver = !before || isPast(before.until, this.world.now);
    if (next) {
      expect(isOver || (next.source === before.source && next.link === before.link), `${point} is free`).toBe(true);
      this.#selections.set(point, next);
    } else {
      if (before && !isOver) this.#used.push(before);
      this.#selections.delete(point);
    }
  }

  #judgeHold({ point, holds, change }: Extract<Effect, { kind: 'hold' }>): void {
    if (['selected', 'used', 'canceled', 'lapsed', 'restarted'].includes(change)) {
      this.#judgeSelection(
        point,
        holds.find(({ kind }) => kind === 'select'),
      );
      return;
    }
    const before = this.#holds.get(point);
    const isOver = !before || isPast(before.until, this.world.now);
    const next = holds.find(({ kind }) => kind === 'value');
    expect(change === 'expired').toBe(before !== undefined && isOver);
    if (next) {
      const isAllowed = isOver || next.source === before.source || next.priority < before.priority;
      expect(isAllowed, `${next.source} may take ${point}`).toBe(true);
      expect(isPast(next.until, this.world.now)).toBe(false);
      this.#holds.set(point, next);
    } else this.#holds.delete(point);
  }
}

describe('arbitration, whatever happens', () => {
  it('ends each request once, grants none twice or too late, writes a point one at a time, never gives a hold to a weaker one', () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 20, maxLength: 80, size: 'max' }), (ops) => new Play().run(ops)),
      { numRuns: 600 },
    );
  });

  it('decides the same when the same happens', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 40, size: 'max' }), (ops) => {
        const [one, two] = [new Play(), new Play()];
        one.run(ops);
        two.run(ops);
        expect(two.log).toEqual(one.log);
      }),
      { numRuns: 50 },
    );
  });

  it('forgets what ended, after a day', () => {
    const world = new World();
    for (let i = 0; i < 50; i++) {
      world.goTo(i);
      world.ask({ id: `r${i}`, from: 'A', externalId: `x${i}`, items: [{ point: 'Z', value: 1 }] });
    }
    expect(world.state.ended.size).toBe(50);
    world.goTo(86_400_000 + 24);
    world.send({ kind: 'tick' });
    expect(world.state.ended.size).toBe(25);
    expect(world.state.keys.size).toBe(25);
  });
});

describe('deadlines', () => {
  const here: Deadline = { bootId: 'a', monotonicMs: 500, wallMs: 10_000 };

  it('count by the monotonic clock alone on one node, whatever the wall clock does', () => {
    const deadline = makeDeadline(here, 100);
    expect(isPast(deadline, { ...here, wallMs: 9e9 })).toBe(false);
    expect(isPast(deadline, { ...here, wallMs: 0, monotonicMs: 600 })).toBe(true);
  });

  it('count by the wall clock less one second on another node', () => {
    const deadline = makeDeadline(here, 5000);
    expect(remainingMs(deadline, { bootId: 'b', monotonicMs: 9e9, wallMs: 10_000 })).toBe(4000);
  });

  it('say when a longer expiry was cut', () => {
    const limits = { expiryMs: 30_000, maxExpiryMs: 300_000 };
    expect(expiryOf(undefined, limits)).toEqual({ ms: 30_000, isCut: false });
    expect(expiryOf(400_000, limits)).toEqual({ ms: 300_000, isCut: true });
  });
});
