import type { Clock } from '@busbar/model';
import type { Plant } from './plant.js';

export interface ClockChange {
  /** `HH:MM` or `HH:MM:SS`. */
  readonly time?: string | undefined;
  /** Simulated seconds per second. */
  readonly speed?: number | undefined;
}

/** The simulated day of the plant, as people set it. */
export class SimulatedClock {
  constructor(
    private readonly plant: Plant,
    private readonly clock: Clock,
  ) {}

  now(): { readonly time: string; readonly speed: number } {
    this.plant.advanceTo(this.clock.monotonicMs());
    const seconds = Math.floor(this.plant.timeOfDayMs / 1_000);
    const parts = [seconds / 3_600, (seconds / 60) % 60, seconds % 60];
    const time = parts.map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
    return { time, speed: this.plant.speed };
  }

  set({ time, speed }: ClockChange): void {
    this.plant.advanceTo(this.clock.monotonicMs());
    if (speed !== undefined) this.plant.setSpeed(speed);
    if (time === undefined) return;
    const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
    this.plant.setTimeOfDay(((hours * 60 + minutes) * 60 + seconds) * 1_000);
  }
}
