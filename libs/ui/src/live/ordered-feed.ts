import type { ConnectionView, RequestView, ServerMessage } from '@busbar/api-schema';
import type { LiveObserver } from './live-machine.js';
import type { FeedError } from './points-feed.js';

export interface OrderedState<Item> {
  /** null until the server has answered. */
  readonly items: readonly Item[] | null;
  /** True: the link is lost; this is what was last known. */
  readonly held: boolean;
  readonly error: FeedError | null;
}

interface OrderedKind<Item> {
  readonly key: (item: Item) => string;
  readonly compare: (a: Item, b: Item) => number;
  readonly most: number;
}

/** The client's side of an ordered kind: all at first, then every change. States are never mutated. */
export class OrderedFeed<Item> implements LiveObserver {
  private readonly items = new Map<string, Item>();
  private readonly listeners = new Set<() => void>();
  state: OrderedState<Item> = { items: null, held: false, error: null };

  constructor(
    private readonly spec: OrderedKind<Item>,
    private readonly pick: (message: ServerMessage) => Change<Item> | undefined,
  ) {}

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  message(message: ServerMessage): void {
    if (message.t === 'error') {
      const { code, sentence, fix } = message;
      this.become({ ...this.state, error: { code, sentence, fix } });
      return;
    }
    const change = this.pick(message);
    if (change === undefined) return;
    if (change.reset) this.items.clear();
    for (const item of change.items) this.items.set(this.spec.key(item), item);
    for (const id of change.removed) this.items.delete(id);
    const sorted = [...this.items.values()].sort(this.spec.compare);
    for (const old of sorted.splice(this.spec.most)) this.items.delete(this.spec.key(old));
    this.become({ items: sorted, held: false, error: null });
  }

  lost(): void {
    this.become({ ...this.state, held: true });
  }

  private become(state: OrderedState<Item>): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

interface Change<Item> {
  readonly reset: boolean;
  readonly items: readonly Item[];
  readonly removed: readonly string[];
}

/** From the devices to the third parties. */
const KINDS: readonly ConnectionView['kind'][] = ['access', 'sink', 'forwarding'];

/** By kind, then by id. */
export function connectionsFeed(): OrderedFeed<ConnectionView> {
  const compare = (a: ConnectionView, b: ConnectionView) =>
    KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.connection.localeCompare(b.connection);
  return new OrderedFeed({ key: (item) => item.connection, compare, most: 10_000 }, (message) =>
    message.t === 'connections' ? message : undefined,
  );
}

/** Newest first, at most 200; Busbar's ids are ULIDs, so their order is that of time. */
export function requestsFeed(): OrderedFeed<RequestView> {
  const compare = (a: RequestView, b: RequestView) => (a.request < b.request ? 1 : a.request > b.request ? -1 : 0);
  return new OrderedFeed({ key: (item) => item.request, compare, most: 200 }, (message) =>
    message.t === 'requests' ? { ...message, removed: [] } : undefined,
  );
}
