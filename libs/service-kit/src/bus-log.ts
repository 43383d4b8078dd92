import type { Bus } from '@busbar/bus';
import type { Logger } from './log.js';

/** A bus that is not there so long after the start is worth a word; until then it is only slow. */
const START_MS = 5_000;

/** Says in the log when the bus is lost and when it is back, each once. Gives what ends it. */
export function tellBus(bus: Bus, log: Logger): () => void {
  let isTold = false;
  const look = (isStarting: boolean) => {
    const { state, diagnosis } = bus.health();
    const isLost = state === 'down';
    if (isLost === isTold || (isLost && isStarting)) return;
    isTold = isLost;
    if (isLost) log.warn({ diagnosis }, 'bus lost');
    else log.info('bus is back');
  };
  let hasStarted = bus.health().state === 'up';
  const timer = setTimeout(() => {
    hasStarted = true;
    look(false);
  }, START_MS);
  timer.unref();
  const unsubscribe = bus.onHealth(() => {
    hasStarted ||= bus.health().state === 'up';
    look(!hasStarted);
  });
  return () => {
    clearTimeout(timer);
    unsubscribe();
  };
}
