import type { HoldView } from '@busbar/api-schema';
import type { Bus, TableView } from '@busbar/bus';
import { decodeJson, OFFICE_KEY } from '@busbar/events';
import type { Clock } from '@busbar/model';

/** Who keeps which point against others, as the arbiter says. */
export class HoldViews {
  readonly #table: TableView;
  readonly #clock: Clock;

  constructor(bus: Bus, clock: Clock) {
    this.#table = bus.table('control.held.v1');
    this.#clock = clock;
  }

  stop(): Promise<void> {
    return this.#table.stop();
  }

  list(point?: string): HoldView[] {
    const nowMs = this.#clock.wallMs();
    const views: HoldView[] = [];
    for (const [key, record] of this.#table.entries()) {
      if (key === OFFICE_KEY || !record.value || (point !== undefined && key !== point)) continue;
      const held = decodeJson('control.held.v1', record.value);
      if (held.kind !== 'holds') continue;
      for (const { until, link: _, ...hold } of held.holds) {
        if (until.wallMs > nowMs) views.push({ ...hold, until: until.wallMs });
      }
    }
    return views;
  }
}
