import type { RequestView } from '@busbar/api-schema';

export const CHAIN_KEYS = ['requested', 'granted', 'started', 'acknowledged', 'ended'] as const;
export type ChainKey = (typeof CHAIN_KEYS)[number];

/** `unknown` is never worded or drawn as `failed`: nobody can say what happened. */
export type ChainLook = 'done' | 'current' | 'todo' | 'skipped' | 'refused' | 'failed' | 'expired' | 'unknown';

export interface ChainStep {
  readonly key: ChainKey;
  readonly look: ChainLook;
  /** Epoch ms; null: not reached. */
  readonly at: number | null;
}

/** The way of a request so far: one step for each stage, exactly one of them current until there is an end. */
export function chainSteps(request: Pick<RequestView, 'stages' | 'end'>): readonly ChainStep[] {
  const at = new Map(request.stages.map((stage) => [stage.stage, stage.at]));
  let waiting = request.end === null;
  return CHAIN_KEYS.map((key): ChainStep => {
    const time = at.get(key) ?? null;
    if (key === 'ended' && request.end !== null) return { key, look: endLook(request.end), at: time };
    if (time !== null && key !== 'ended') return { key, look: 'done', at: time };
    if (request.end !== null) return { key, look: 'skipped', at: null };
    const look = waiting ? 'current' : 'todo';
    waiting = false;
    return { key, look, at: null };
  });
}

export function endLook(end: NonNullable<RequestView['end']>): ChainLook {
  return end.kind === 'executed' ? 'done' : end.kind;
}
