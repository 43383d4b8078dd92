import { readdirSync, readFileSync } from 'node:fs';
import type { ControlValue, End } from '@busbar/events';
import { describe, expect, it } from 'vitest';
import { admit } from './admit.js';
import { type Ask, World, type WorldGiven } from './case-world.js';
import { remainingMs } from './deadline.js';
import type { Effect } from './state.js';

/** The scenarios of control.md 7 as data: a new case needs no code. */

interface Step {
  readonly at: number;
  readonly expect: unknown;
  readonly request?: Ask;
  /** Asked at this time, arrived at `at`. */
  readonly askedAt?: number;
  /** On the bus, but the arbiter dies before it reads it. */
  readonly lost?: Ask;
  readonly started?: string;
  readonly acknowledged?: string;
  readonly ended?: string;
  readonly end?: End;
  readonly isStray?: boolean;
  readonly admit?: string;
  readonly epoch?: string;
  readonly highestTerm?: number;
  readonly lease?: boolean;
  readonly bootId?: string;
  readonly executor?: { readonly connection: string; readonly epoch: string | null };
  readonly restart?: { readonly term: number };
  readonly configured?: { readonly removed: readonly string[] };
}

interface Case {
  readonly title: string;
  readonly given?: WorldGiven;
  readonly steps: readonly Step[];
  readonly ends?: Readonly<Record<string, Partial<End>>>;
}

const folder = new URL('../cases/', import.meta.url);
const cases = readdirSync(folder)
  .sort()
  .map((name) => ({
    name,
    content: JSON.parse(readFileSync(new URL(`${name}/case.json`, folder), 'utf8')) as Case,
  }));

function factsOf(facts: readonly { readonly name: string; readonly value: string }[]): Record<string, string> {
  return Object.fromEntries(facts.map(({ name, value }) => [name, value]));
}

function shown(world: World, effect: Effect): Record<string, unknown> {
  switch (effect.kind) {
    case 'grant': {
      const { request, writes, executor, term, permitUntil } = effect.grant;
      return {
        grant: request.id,
        writes: writes.map(({ value }): ControlValue => value),
        feedback: writes.map(({ feedback }) => feedback),
        epoch: executor.epoch,
        term,
        permitMs: remainingMs(permitUntil, world.now),
        expiresInMs: remainingMs(request.expiresAt, world.now),
      };
    }
    case 'refused': {
      const { request, end } = effect.refused;
      if (end.kind !== 'refused') return { refused: request.id, ...end };
      return { refused: request.id, ...end, holder: end.holder?.source, facts: factsOf(end.facts) };
    }
    case 'ended':
      return {
        ended: effect.ended.id,
        ...effect.ended.end,
        items: effect.ended.items.map(({ outcome }) => outcome),
      };
    case 'hold': {
      const hold = effect.holds.find(({ kind }) => kind === 'value');
      const selection = effect.holds.find(({ kind }) => kind === 'select');
      return {
        hold: effect.point,
        by: hold?.source ?? null,
        selected: selection ? `${selection.source} ${selection.link}` : null,
        lapseMs: selection && world.restMs(selection),
        value: hold?.value,
        priority: hold?.priority,
        restMs: hold && world.restMs(hold),
        change: effect.change,
        term: effect.term,
        lost: effect.lost?.source,
      };
    }
    case 'noted':
      return { noted: effect.id, note: effect.note };
  }
}

function run(world: World, step: Step): readonly Effect[] {
  if (step.request) {
    if (step.askedAt === undefined) return world.ask(step.request);
    const arrived = world.now;
    world.goTo(step.askedAt);
    const asked = world.now;
    world.now = arrived;
    return world.ask(step.request, asked);
  }
  if (step.started) return world.start(step.started);
  if (step.acknowledged) return world.acknowledge(step.acknowledged);
  if (step.ended) {
    return world.end(step.ended, step.end as End, {
      ...(step.epoch === undefined ? {} : { epoch: step.epoch }),
      isStray: step.isStray ?? false,
    });
  }
  if (step.executor) return world.executor(step.executor.connection, step.executor.epoch);
  if (step.restart) return world.restart(step.restart.term);
  if (step.configured) return world.configure(step.configured.removed);
  return world.send({ kind: 'tick' });
}

function admitted(world: World, step: Step): unknown {
  const { bootId, epoch = 'e1', highestTerm = 0, lease = true } = step;
  // Another node: its monotonic clock tells nothing.
  const now = bootId ? { ...world.now, bootId, monotonicMs: 3 } : world.now;
  return admit({ grant: world.grantOf(step.admit as string), epoch, highestTerm, lease, now });
}

describe('arbitration', () => {
  it.each(cases)('$name: $content.title', ({ content }) => {
    const world = new World(content.given);
    for (const step of content.steps) {
      const { at } = step;
      world.goTo(at);
      if (step.lost) world.bus.requested.push(world.request(step.lost, world.now));
      else if (step.admit) expect({ at, admit: admitted(world, step) }).toEqual({ at, admit: step.expect });
      else {
        const effects = run(world, step).map((effect) => shown(world, effect));
        expect({ at, effects }).toMatchObject({ at, effects: step.expect });
      }
    }
    for (const [id, end] of Object.entries(content.ends ?? {})) expect(world.endsOf(id)[0]).toMatchObject(end);
  });
});
