/** Rated power of an inverter; a limit of 100 % is this. */
export const RATED_KW = 110;
/** The device follows its target this fast: the whole range within half a second. */
const RAMP_KW_PER_S = 220;
const RESTART_MS = 5_000;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const SUNRISE_MS = 6 * HOUR_MS;
const SUNSET_MS = 19 * HOUR_MS;
const START_MS = 10.5 * HOUR_MS;
/** What an inverter could feed at noon under a clear sky. */
const PEAK_KW = 99;
/** Of the station itself, so that the meter shows consumption at night. */
const AUXILIARY_KW = 1.2;
const STEP_MS = 1_000;
const STEPS_MAX = 3_600;
/** Below this an inverter has nothing to feed and waits. */
const WAKE_KW = 0.2;

/** Power that the sun offers each inverter before shading, in kW; 0 at night. */
export function sunKw(timeOfDayMs: number): number {
  if (timeOfDayMs <= SUNRISE_MS || timeOfDayMs >= SUNSET_MS) return 0;
  const phase = (Math.PI * (timeOfDayMs - SUNRISE_MS)) / (SUNSET_MS - SUNRISE_MS);
  return PEAK_KW * Math.sin(phase) ** 1.2;
}

/** Thin clouds, another phase for each inverter: 0.93 to 1 of the sun. */
function clouds(timeMs: number, number: number): number {
  const slow = (1 + Math.sin(timeMs / 40_000 + number)) / 2;
  const fast = (1 + Math.sin(timeMs / 7_000 + 2 * number)) / 2;
  return 1 - 0.04 * slow - 0.03 * fast;
}

export interface Step {
  /** Time that passed for the machine: ramp and restart. */
  readonly elapsedMs: number;
  /** Time that passed for sun and counters. */
  readonly simulatedMs: number;
  readonly availableKw: number;
}

export class Inverter {
  powerKw = 0;
  energyKwh: number;
  private limitTenths = 1_000;
  private restartMs = 0;
  private availableKw = 0;

  /** @param number 1 to 4: unit id and a little individuality. */
  constructor(readonly number: number) {
    this.energyKwh = 250_000 + 1_111 * number;
  }

  get serial(): string {
    return `BSIM110K2024000${this.number}`;
  }

  get isRunning(): boolean {
    return this.restartMs === 0 && this.availableKw >= WAKE_KW;
  }

  get limitPercent(): number {
    return this.limitTenths / 10;
  }

  /** @returns false if the device refuses: it knows 0 to 100 %. */
  setLimit(tenthsOfPercent: number): boolean {
    if (tenthsOfPercent > 1_000) return false;
    this.limitTenths = tenthsOfPercent;
    return true;
  }

  /** Standby for some seconds, then back; the limit stays. */
  restart(): void {
    this.restartMs = RESTART_MS;
  }

  step({ elapsedMs, simulatedMs, availableKw }: Step): void {
    this.availableKw = availableKw;
    const before = this.powerKw;
    const ramp = (RAMP_KW_PER_S * elapsedMs) / 1_000;
    const target = this.restartMs > 0 ? 0 : Math.min(availableKw, (this.limitTenths / 1_000) * RATED_KW);
    this.powerKw = Math.min(Math.max(target, before - ramp), before + ramp);
    this.restartMs = Math.max(0, this.restartMs - elapsedMs);
    this.energyKwh += (((before + this.powerKw) / 2) * simulatedMs) / HOUR_MS;
  }
}

/** At the point of connection; positive is taken from the grid, negative fed into it. */
export class Meter {
  voltage = 230;
  powerKw = 0;
  importKwh = 1_520;
  exportKwh = 48_250;

  step(input: { readonly timeMs: number; readonly simulatedMs: number; readonly producedKw: number }): void {
    const before = this.powerKw;
    this.powerKw = AUXILIARY_KW - input.producedKw;
    this.voltage = 230 + 1.5 * Math.sin(input.timeMs / 31_000) + 0.4 * Math.sin(input.timeMs / 3_000);
    const energy = (((before + this.powerKw) / 2) * input.simulatedMs) / HOUR_MS;
    if (energy > 0) this.importKwh += energy;
    else this.exportKwh -= energy;
  }
}

/** The photovoltaic site behind the registers. Pure: time is given, on a monotonic clock in ms. */
export class Plant {
  readonly inverters: readonly Inverter[] = [1, 2, 3, 4].map((number) => new Inverter(number));
  readonly meter = new Meter();
  private dayMs = START_MS;
  private factor = 1;

  /** @param nowMs the simulated day starts here, at 10:30, with every inverter at its power. */
  constructor(private nowMs: number) {
    this.step(1_000, 0);
  }

  /** Simulated time of day, 0 to 86,399,999 ms. */
  get timeOfDayMs(): number {
    return this.dayMs % DAY_MS;
  }

  /** Simulated seconds per second. */
  get speed(): number {
    return this.factor;
  }

  /** Lets the time from the last call until `nowMs` pass; earlier than that does nothing. */
  advanceTo(nowMs: number): void {
    const elapsed = nowMs - this.nowMs;
    if (!(elapsed > 0)) return;
    this.nowMs = nowMs;
    const longest = Math.max(elapsed, elapsed * this.factor);
    const steps = Math.min(STEPS_MAX, Math.ceil(longest / STEP_MS));
    for (let done = 0; done < steps; done++) this.step(elapsed / steps, (elapsed * this.factor) / steps);
  }

  /** The time jumped over counts no energy. */
  setTimeOfDay(timeOfDayMs: number): void {
    this.dayMs = timeOfDayMs % DAY_MS;
  }

  /** @param speed 0 stops sun and counters; ramps and restarts keep the machine's time. */
  setSpeed(speed: number): void {
    this.factor = speed;
  }

  private step(elapsedMs: number, simulatedMs: number): void {
    this.dayMs += simulatedMs;
    let producedKw = 0;
    for (const inverter of this.inverters) {
      const shading = 1 - 0.01 * (inverter.number - 1);
      const availableKw = sunKw(this.timeOfDayMs) * shading * clouds(this.dayMs, inverter.number);
      inverter.step({ elapsedMs, simulatedMs, availableKw });
      producedKw += inverter.powerKw;
    }
    this.meter.step({ timeMs: this.dayMs, simulatedMs, producedKw });
  }
}
