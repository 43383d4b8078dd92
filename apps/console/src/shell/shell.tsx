import '../detail.css';
import '../lists.css';
import './shell.css';
import { isZone, type LiveMachine, Loading, openLive } from '@busbar/ui';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Suspense, useContext, useEffect, useState } from 'react';
import { Navigate, Outlet, useLocation } from 'react-router-dom';
import { FaultNotice } from '../api/fault-notice.js';
import { sessionQuery, siteQuery } from '../api/queries.js';
import { LiveProvider, useLink } from '../live/live-context.js';
import { ZoneContext } from '../zone.js';
import { Bars } from './bars.js';
import { Navigation } from './navigation.js';
import { TopBar } from './top-bar.js';

/** Everything behind the sign-in; without a session the way leads there and back. */
export function Shell() {
  const session = useQuery(sessionQuery);
  const place = useLocation();
  if (session.data === null) {
    return <Navigate to={`/login?next=${encodeURIComponent(place.pathname + place.search)}`} replace />;
  }
  if (session.data === undefined) {
    return (
      <div className="page-pad">
        {session.isError ? <FaultNotice error={session.error} onRetry={() => session.refetch()} /> : <Loading />}
      </div>
    );
  }
  return <SignedIn />;
}

function SignedIn() {
  const [machine, setMachine] = useState<LiveMachine | null>(null);
  useEffect(() => {
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/live`;
    const { live, close } = openLive({ url, page: document });
    setMachine(live);
    live.start();
    return close;
  }, []);
  if (machine === null) return null;
  return (
    <LiveProvider machine={machine}>
      <Follow />
      <div className="shell">
        <TopBar />
        <Navigation />
        <main className="page" id="page">
          <Bars />
          <div className="page-body">
            <Suspense fallback={<Loading lines={6} />}>
              <Outlet />
            </Suspense>
          </div>
        </main>
      </div>
    </LiveProvider>
  );
}

/** Asks again what a lost link or a new generation may have changed. */
function Follow() {
  const { phase, generation } = useLink();
  const queries = useQueryClient();
  const setZone = useContext(ZoneContext);
  const { data: site } = useQuery(siteQuery);
  const zone = site?.timezone;
  useEffect(() => {
    if (phase === 'denied' || phase === 'waiting') queries.invalidateQueries({ queryKey: ['session'] });
  }, [phase, queries]);
  useEffect(() => {
    if (generation === null) return;
    queries.invalidateQueries({ queryKey: ['site'] });
    queries.invalidateQueries({ queryKey: ['assets'] });
  }, [generation, queries]);
  useEffect(() => {
    if (zone !== undefined && isZone(zone)) setZone(zone);
  }, [zone, setZone]);
  return null;
}
