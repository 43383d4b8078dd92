import { describe, expect, it } from 'vitest';
import { Plant, RATED_KW, sunKw } from './plant.js';

const HOUR_MS = 3_600_000;

function inverterOf(plant: Plant) {
  const inverter = plant.inverters[0];
  if (!inverter) throw new Error('a plant has inverters');
  return inverter;
}

describe('plant', () => {
  it('starts at 10:30 with every inverter between 60 and 100 kW, and stays there for hours', () => {
    const plant = new Plant(0);
    expect(plant.timeOfDayMs).toBe(10.5 * HOUR_MS);
    for (let minute = 0; minute <= 240; minute++) {
      plant.advanceTo(minute * 60_000);
      for (const { powerKw } of plant.inverters) {
        expect(powerKw).toBeGreaterThan(60);
        expect(powerKw).toBeLessThan(100);
      }
    }
  });

  it('changes from second to second, each inverter in its own way', () => {
    const plant = new Plant(0);
    const before = plant.inverters.map(({ powerKw }) => powerKw);
    plant.advanceTo(1_000);
    const after = plant.inverters.map(({ powerKw }) => powerKw);
    expect(new Set([...before, ...after]).size).toBe(8);
  });

  it('feeds the lesser of what there is and limit x 110 kW, within a second of the change', () => {
    const plant = new Plant(0);
    const inverter = inverterOf(plant);
    const free = inverter.powerKw;
    expect(inverter.setLimit(400)).toBe(true);
    expect(inverter.limitPercent).toBe(40);
    plant.advanceTo(100);
    expect(inverter.powerKw).toBeLessThan(free);
    expect(inverter.powerKw).toBeGreaterThan(0.4 * RATED_KW);
    plant.advanceTo(1_000);
    expect(inverter.powerKw).toBeCloseTo(44, 9);
    inverter.setLimit(1_000);
    plant.advanceTo(2_000);
    expect(inverter.powerKw).toBeGreaterThan(60);
    expect(inverter.powerKw).toBeLessThan(100);
  });

  it('refuses a limit above 100 % and keeps the old one', () => {
    const inverter = inverterOf(new Plant(0));
    inverter.setLimit(500);
    expect(inverter.setLimit(1_001)).toBe(false);
    expect(inverter.limitPercent).toBe(50);
  });

  it('stands by for five seconds after a restart, then goes on under the same limit', () => {
    const plant = new Plant(0);
    const inverter = inverterOf(plant);
    inverter.setLimit(300);
    inverter.restart();
    expect(inverter.isRunning).toBe(false);
    plant.advanceTo(4_900);
    expect(inverter.isRunning).toBe(false);
    expect(inverter.powerKw).toBe(0);
    plant.advanceTo(7_000);
    expect(inverter.isRunning).toBe(true);
    expect(inverter.powerKw).toBeCloseTo(33, 9);
  });

  it('counts the energy that was fed, and the meter what went out', () => {
    const plant = new Plant(0);
    for (const inverter of plant.inverters) inverter.setLimit(500);
    plant.advanceTo(1_000);
    const before = plant.inverters.map(({ energyKwh }) => energyKwh);
    const { exportKwh, importKwh } = plant.meter;
    plant.advanceTo(1_000 + HOUR_MS);
    plant.inverters.forEach(({ energyKwh }, index) => {
      expect(energyKwh - (before[index] ?? 0)).toBeCloseTo(55, 6);
    });
    expect(plant.meter.exportKwh - exportKwh).toBeCloseTo(4 * 55 - 1.2, 6);
    expect(plant.meter.importKwh).toBe(importKwh);
  });

  it('shows at the meter consumption less production, negative while it feeds', () => {
    const plant = new Plant(0);
    plant.advanceTo(3_000);
    const produced = plant.inverters.reduce((sum, { powerKw }) => sum + powerKw, 0);
    expect(plant.meter.powerKw).toBeCloseTo(1.2 - produced, 9);
    expect(plant.meter.voltage).toBeGreaterThan(227);
    expect(plant.meter.voltage).toBeLessThan(233);
  });

  it('stands by and consumes at night', () => {
    const plant = new Plant(0);
    const { importKwh } = plant.meter;
    plant.setTimeOfDay(23 * HOUR_MS);
    plant.advanceTo(10_000);
    expect(inverterOf(plant).isRunning).toBe(false);
    expect(inverterOf(plant).powerKw).toBe(0);
    expect(plant.meter.powerKw).toBeCloseTo(1.2, 9);
    plant.advanceTo(HOUR_MS);
    expect(plant.meter.importKwh).toBeGreaterThan(importKwh + 1);
    plant.advanceTo(2 * HOUR_MS);
    expect(plant.timeOfDayMs).toBe(HOUR_MS);
  });

  it('counts no energy for time that was jumped over, and much at high speed', () => {
    const plant = new Plant(0);
    const inverter = inverterOf(plant);
    const start = inverter.energyKwh;
    plant.setTimeOfDay(12 * HOUR_MS);
    plant.advanceTo(1_000);
    expect(inverter.energyKwh - start).toBeLessThan(0.1);
    plant.setSpeed(3_600);
    plant.advanceTo(2_000);
    expect(inverter.energyKwh - start).toBeGreaterThan(60);
    expect(plant.timeOfDayMs).toBeCloseTo(13 * HOUR_MS + 1_000, -3);
  });

  it('at speed 0 stops sun and counters, not the limit', () => {
    const plant = new Plant(0);
    const inverter = inverterOf(plant);
    plant.setSpeed(0);
    const { energyKwh } = inverter;
    inverter.setLimit(200);
    plant.advanceTo(5_000);
    expect(plant.timeOfDayMs).toBe(10.5 * HOUR_MS);
    expect(inverter.energyKwh).toBe(energyKwh);
    expect(inverter.powerKw).toBeCloseTo(22, 9);
  });

  it('never goes back in time', () => {
    const plant = new Plant(5_000);
    plant.advanceTo(4_000);
    expect(plant.timeOfDayMs).toBe(10.5 * HOUR_MS);
  });

  it('has a dark night and its peak at noon', () => {
    expect(sunKw(3 * HOUR_MS)).toBe(0);
    expect(sunKw(20 * HOUR_MS)).toBe(0);
    expect(sunKw(12.5 * HOUR_MS)).toBeCloseTo(99, 9);
  });
});
