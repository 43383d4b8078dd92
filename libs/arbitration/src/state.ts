import type {
  ControlRequest,
  Deadline,
  End,
  Executed,
  Grant,
  Hold,
  ItemResult,
  Refused,
  Started,
} from '@busbar/events';

/** Limits of the life cycle (control.md 2), ms. */
export const LIMITS = {
  /** From the entry to a decision. */
  decideMs: 2000,
  /** From the grant to the start of the write: what was checked was true then. */
  permitMs: 2000,
  /** From the start to the device's answer, per write. */
  writeMs: 5000,
  /** How much later than its permit a grant without a start is given up: the record of a start may still be on its way. */
  lapseMs: 3000,
  /** How much later than its own limits an executor is given up. */
  executorMs: 5000,
  /** The same at a new epoch, when the old executor is certainly gone. */
  epochMs: 1000,
  /** How long an external id of a cloud means the same request after its end: EnOS ids may start again. */
  cloudIdMs: 60_000,
  /** The same for other sources, and for the ids made at the entry. */
  idMs: 86_400_000,
  /** How much older, and how much newer, than its arrival a command may be by its sender's own clock. */
  oldMs: 10_000,
  aheadMs: 2_000,
} as const;

/** Ended requests kept for repeats; beyond it the oldest go early. */
const MAX_ENDED = 200_000;

export type OpenPhase = 'received' | 'waiting' | 'granted' | 'started' | 'verifying';

/** A request without an end. */
export interface OpenRequest {
  readonly request: ControlRequest;
  readonly key: string;
  readonly content: string;
  phase: OpenPhase;
  /** When this phase is over, whatever comes. */
  limit: Deadline;
  grant: Grant | undefined;
  /** What the executor said of the items so far. */
  items: readonly ItemResult[] | undefined;
  /** Repeats of it under ids of their own: they get its end. */
  readonly twins: ControlRequest[];
}

/** A point excludes everybody but who selected it, for one operate (control.md 5.5). */
export interface Selection {
  readonly hold: Hold;
  readonly qualifier: string | undefined;
}

/** What is kept of a request after its end. */
export interface EndedRequest {
  readonly id: string;
  readonly key: string;
  readonly content: string;
  readonly end: End;
  readonly items: readonly ItemResult[];
  /** Until when its external id means this request. */
  readonly keyUntil: Deadline;
  readonly until: Deadline;
}

export interface ControlState {
  term: number;
  readonly open: Map<string, OpenRequest>;
  /** In order of their ends. */
  readonly ended: Map<string, EndedRequest>;
  /** Key (source and external id) to the request that it means. */
  readonly keys: Map<string, string>;
  readonly holds: Map<string, Hold>;
  readonly selections: Map<string, Selection>;
  /** Source and point to the time at which it may ask for it as often at once as anybody. */
  readonly allowances: Map<string, Deadline>;
  /** Connection to the epoch that executes for it. */
  readonly executors: Map<string, string>;
}

export type ControlEvent =
  /** `isBeforeOffice`: appended before this arbiter took office. */
  | { readonly kind: 'requested'; readonly request: ControlRequest; readonly isBeforeOffice?: boolean }
  | { readonly kind: 'started'; readonly started: Started }
  /** Every record of control.executed, the arbiter's own too. */
  | { readonly kind: 'executed'; readonly executed: Executed }
  /** Every change of ownership on connections.changed. */
  | { readonly kind: 'executor'; readonly connection: string; readonly epoch: string | null }
  /** After a replay, once; `term` is the offset of the taking-office record. */
  | { readonly kind: 'office'; readonly term: number }
  /** The directory has changed. */
  | { readonly kind: 'configured' }
  | { readonly kind: 'tick' };

export type HoldChange = 'granted' | 'renewed' | 'taken' | 'released' | 'expired' | 'removed';

/** `used`: by an operate, whatever the answer to it. */
export type SelectionChange = 'selected' | 'used' | 'canceled' | 'lapsed' | 'removed' | 'restarted';

/** To be published in this order, until durable; `noted` is for counters. */
export type Effect =
  | { readonly kind: 'grant'; readonly grant: Grant }
  | { readonly kind: 'refused'; readonly refused: Refused }
  | { readonly kind: 'ended'; readonly ended: Extract<Executed, { kind: 'ended' }> }
  /** All that holds the point now, its selection too. `lost`: whose hold ended by this, to be told when it was taken. */
  | {
      readonly kind: 'hold';
      readonly point: string;
      readonly term: number;
      readonly holds: readonly Hold[];
      readonly change: HoldChange | SelectionChange;
      readonly lost?: Hold;
    }
  | { readonly kind: 'noted'; readonly id: string; readonly note: 'repeated' | 'late' };

export function emptyState(): ControlState {
  return {
    term: -1,
    open: new Map(),
    ended: new Map(),
    keys: new Map(),
    holds: new Map(),
    selections: new Map(),
    allowances: new Map(),
    executors: new Map(),
  };
}

/** Which requests are the same one: by the asker's id where it has one, else by ours. */
export function keyOf(request: ControlRequest): string {
  const { source, externalId } = request.origin;
  return externalId === undefined ? `id ${request.id}` : `${source} ${externalId}`;
}

/** What must be equal for a repeat to be one; times are not. */
export function contentOf({ act, items, priority, holdMs, dryRun }: ControlRequest): string {
  const content = items.map(({ point, value, qualifier }) => [point, value, qualifier]);
  return JSON.stringify([act, content, priority, holdMs, dryRun]);
}

export function openRequest(request: ControlRequest, limit: Deadline): OpenRequest {
  return {
    request,
    key: keyOf(request),
    content: contentOf(request),
    phase: 'received',
    limit,
    grant: undefined,
    items: undefined,
    twins: [],
  };
}

export function rememberEnd(state: ControlState, ended: EndedRequest): void {
  state.ended.set(ended.id, ended);
  if (state.ended.size > MAX_ENDED) forget(state, state.ended.values().next().value as EndedRequest);
}

export function forget(state: ControlState, ended: EndedRequest): void {
  state.ended.delete(ended.id);
  if (state.keys.get(ended.key) === ended.id) state.keys.delete(ended.key);
}
