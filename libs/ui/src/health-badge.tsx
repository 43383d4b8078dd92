import { useDisplay } from './display.js';

export type HealthState = 'starting' | 'active' | 'idle' | 'degraded' | 'stopped' | 'failed';

export const HEALTH_LOOKS: Readonly<Record<HealthState, string>> = {
  starting: 'idle',
  active: 'good',
  idle: 'idle',
  degraded: 'uncertain',
  stopped: 'idle',
  failed: 'bad',
};

/** A connection or device in words. `silent`: a diagnosis stands beside it, and nothing answers. */
export function HealthBadge({ state }: { readonly state: HealthState }) {
  const { t } = useDisplay();
  const look = HEALTH_LOOKS[state];
  return (
    <span className={`bb-badge state-${look}`}>
      <i className={`bb-shape ${look}`} />
      {t(`health.${state}`)}
    </span>
  );
}
