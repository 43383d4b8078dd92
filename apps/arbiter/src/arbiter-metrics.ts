import type { ControlEvent, Effect } from '@busbar/arbitration';
import { type End, endSchema } from '@busbar/events';
import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const DECISION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const END_BUCKETS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

function reasonOf(end: End): string {
  if (end.kind === 'refused') return end.rule;
  return end.kind === 'executed' ? '' : end.reason;
}

/** Every end that a request can have, so that its counter stands at 0 before it happens. */
function* allEnds(): Generator<{ readonly end: string; readonly reason: string }> {
  for (const { shape } of endSchema.options) {
    const [end] = shape.kind.values;
    const reasons = 'rule' in shape ? shape.rule.options : 'reason' in shape ? shape.reason.options : [''];
    for (const reason of reasons) yield { end, reason };
  }
}

@Injectable()
export class ArbiterMetrics {
  readonly #granted: Counter;
  readonly #ends: Counter<'end' | 'reason'>;
  readonly #decision: Histogram;
  readonly #end: Histogram;
  readonly #registers: Registry[];
  /** When those were asked that are granted and have no end yet, epoch ms. */
  readonly #open = new Map<string, number>();

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.#registers = registers;
    this.#granted = new Counter({ name: 'arbiter_grants_total', help: 'Control requests granted', registers });
    this.#ends = new Counter({
      name: 'arbiter_ends_total',
      help: 'Control requests by their end: refused, expired, executed, failed, unknown, and why',
      labelNames: ['end', 'reason'],
      registers,
    });
    for (const labels of allEnds()) this.#ends.inc(labels, 0);
    this.#decision = new Histogram({
      name: 'arbiter_decision_seconds',
      help: 'From the entry of a request to its grant or refusal',
      buckets: DECISION_BUCKETS,
      registers,
    });
    this.#end = new Histogram({
      name: 'arbiter_end_seconds',
      help: 'From the entry of a granted request to its end',
      buckets: END_BUCKETS,
      registers,
    });
  }

  watch(isInOffice: () => boolean): void {
    const registers = this.#registers;
    new Gauge({
      name: 'arbiter_in_office',
      help: '1 for the one arbiter that decides',
      registers,
      collect() {
        this.set(isInOffice() ? 1 : 0);
      },
    });
  }

  decided(event: ControlEvent, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'grant') {
        const { request, grantedAt } = effect.grant;
        this.#granted.inc();
        this.#open.set(request.id, request.requestedAt);
        this.#decision.observe(secondsBetween(request.requestedAt, grantedAt));
      }
      if (effect.kind === 'refused') {
        const { request, end, at } = effect.refused;
        this.#decision.observe(secondsBetween(request.requestedAt, at));
        this.#ended(request.id, end, at);
      }
      if (effect.kind === 'ended') this.#ended(effect.ended.id, effect.ended.end, effect.ended.at);
    }
    if (event.kind !== 'executed' || event.executed.kind !== 'ended' || event.executed.epoch === undefined) return;
    // An end by an executor; one that came too late was noted and is none.
    const { id, end, at } = event.executed;
    if (!effects.some((effect) => effect.kind === 'noted' && effect.id === id)) this.#ended(id, end, at);
  }

  /** The term is over: another arbiter hears the ends. */
  left(): void {
    this.#open.clear();
  }

  #ended(id: string, end: End, at: number): void {
    this.#ends.inc({ end: end.kind, reason: reasonOf(end) });
    const askedAt = this.#open.get(id);
    this.#open.delete(id);
    if (askedAt !== undefined) this.#end.observe(secondsBetween(askedAt, at));
  }
}

/** Clocks of two nodes may differ by a little. */
function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, toMs - fromMs) / 1000;
}
