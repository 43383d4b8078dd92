import { diagnosisWords, formatClockSeconds, useDisplay } from '@busbar/ui';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { licenseQuery, siteQuery } from '../api/queries.js';
import { useLink } from '../live/live-context.js';

/** What concerns every page: no link, a bus that is away, files that differ from what runs. */
export function Bars() {
  const display = useDisplay();
  const { t } = display;
  const { data: site } = useQuery(siteQuery);
  const bus = site?.bus.state === 'down' ? site.bus.diagnosis : null;
  const words = bus === null || bus === undefined ? null : diagnosisWords(bus, display);
  return (
    <>
      <OfflineBar />
      <LicenseBars />
      {words !== null && (
        <div className="bar bad" role="alert">
          <i className="bb-shape bad" />
          <span>
            {words.sentence} {words.fix}
          </span>
        </div>
      )}
      {site !== undefined && site.packageDiffers.length > 0 && (
        <div className="bar quiet" role="status">
          <i className="bb-shape idle" />
          <span>
            {t('bar.packageDiffers', { count: site.packageDiffers.length })}{' '}
            <code>{site.packageDiffers.slice(0, 3).join(' · ')}</code>
          </span>
        </div>
      )}
    </>
  );
}

/** What the license of the site asks for; none when all is well. */
function LicenseBars() {
  const display = useDisplay();
  const { data: entitlements } = useQuery(licenseQuery);
  const isGrave = entitlements?.state === 'expired' || entitlements?.state === 'refused';
  return entitlements?.diagnoses.map((diagnosis) => {
    const { sentence, fix } = diagnosisWords(diagnosis, display);
    return (
      <div key={diagnosis.code} className={isGrave ? 'bar bad' : 'bar quiet'} role={isGrave ? 'alert' : 'status'}>
        <i className={isGrave ? 'bb-shape bad' : 'bb-shape idle'} />
        <span>
          {sentence} {fix}
        </span>
      </div>
    );
  });
}

/** A link that comes back within a second is not worth a bar. */
function OfflineBar() {
  const { t, zone } = useDisplay();
  const { phase, downSince } = useLink();
  const [late, setLate] = useState(false);
  const down = phase !== 'up';
  useEffect(() => {
    if (!down) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), 1000);
    return () => clearTimeout(timer);
  }, [down]);
  if (!down || !late) return null;
  return (
    <div className="bar offline" role="alert">
      <i className="bb-shape uncertain" />
      <span>
        {downSince === null ? t('bar.noLink') : t('bar.noLinkSince', { time: formatClockSeconds(downSince, zone) })}{' '}
        {t('bar.noLinkHint')}
      </span>
    </div>
  );
}
