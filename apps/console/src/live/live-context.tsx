import type { ConnectionView, PointsQuery, RequestView } from '@busbar/api-schema';
import {
  connectionsFeed,
  type LinkState,
  type LiveMachine,
  type OrderedFeed,
  type OrderedState,
  PointsFeed,
  requestsFeed,
} from '@busbar/ui';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from 'react';

interface Live {
  readonly machine: LiveMachine;
  readonly connections: OrderedFeed<ConnectionView>;
}

const LiveContext = createContext<Live | null>(null);

function useLive(): Live {
  const live = useContext(LiveContext);
  if (live === null) throw new TypeError('the live link is used outside of its provider');
  return live;
}

/** Gives the page its link; the connections are followed from every page, for the count in the navigation. */
export function LiveProvider({ machine, children }: { readonly machine: LiveMachine; readonly children: ReactNode }) {
  const live = useMemo(() => ({ machine, connections: connectionsFeed() }), [machine]);
  useEffect(() => {
    const open = machine.subscribe({ kind: 'connections' }, live.connections);
    return () => open.close();
  }, [machine, live]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useMachine(): LiveMachine {
  return useLive().machine;
}

export function useLink(): LinkState {
  const { machine } = useLive();
  return useSyncExternalStore(
    (changed) => machine.onState(changed),
    () => machine.state,
  );
}

/** True: nothing on the page is known to be current. */
export function useOffline(): boolean {
  return useLink().phase !== 'up';
}

/** Epoch ms by the server's clock, anew each second. */
export function useNow(everyMs = 1000): number {
  const { machine } = useLive();
  const [now, setNow] = useState(() => machine.serverNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(machine.serverNow()), everyMs);
    return () => clearInterval(timer);
  }, [machine, everyMs]);
  return now;
}

export function useConnections(): OrderedState<ConnectionView> {
  const { connections } = useLive();
  return useSyncExternalStore(
    (changed) => connections.onChange(changed),
    () => connections.state,
  );
}

export function useRequests(): OrderedState<RequestView> {
  const machine = useMachine();
  const feed = useMemo(() => requestsFeed(), []);
  useEffect(() => {
    const open = machine.subscribe({ kind: 'requests' }, feed);
    return () => open.close();
  }, [machine, feed]);
  return useSyncExternalStore(
    (changed) => feed.onChange(changed),
    () => feed.state,
  );
}

const BLOCK = 32;

/** A feed of the points that match; the rows it is asked for are rounded, so that scrolling asks seldom. */
export function usePointsFeed(
  query: PointsQuery,
  options: { readonly count?: number; readonly hz?: number } = {},
): PointsFeed {
  const machine = useMachine();
  const feed = useMemo(() => new PointsFeed(), []);
  const key = JSON.stringify(query);
  const { count = 4 * BLOCK, hz = 5 } = options;
  useEffect(() => {
    const parsed: PointsQuery = JSON.parse(key);
    const open = machine.subscribe({ kind: 'points', query: parsed, count, hz }, feed);
    feed.want = (from, wanted) => {
      const first = Math.max(0, (Math.floor(from / BLOCK) - 1) * BLOCK);
      const last = (Math.ceil((from + wanted) / BLOCK) + 1) * BLOCK;
      open.window(first, Math.min(500, last - first));
    };
    return () => {
      feed.want = () => undefined;
      open.close();
    };
  }, [machine, feed, key, count, hz]);
  return feed;
}

/** Renders again whenever the feed has changed. */
export function useFeedChanges(feed: PointsFeed): number {
  const [version, setVersion] = useState(0);
  useEffect(() => feed.onChange(() => setVersion((before) => before + 1)), [feed]);
  return version;
}
