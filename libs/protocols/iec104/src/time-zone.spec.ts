import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTimeZone, timeZone, UTC } from './time-zone.js';

const berlin = timeZone('Europe/Berlin');
const zones = ['Europe/Berlin', 'Asia/Shanghai', 'America/St_Johns', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'UTC'];
const instants = fc.integer({ min: Date.UTC(2000, 0, 2), max: Date.UTC(2060, 0, 1) });

describe('timeZone', () => {
  it.each(zones)('gives back every instant of %s', (name) => {
    const zone = timeZone(name);
    fc.assert(
      fc.property(instants, (epochMs) => {
        expect(zone.toEpoch(zone.toCivil(epochMs))).toBe(epochMs);
      }),
    );
  });

  it.each(zones)('shows what the calendar of %s shows', (name) => {
    const zone = timeZone(name);
    const calendar = new Intl.DateTimeFormat('sv-SE', { timeZone: name, dateStyle: 'short', timeStyle: 'medium' });
    fc.assert(
      fc.property(instants, (epochMs) => {
        const { year, month, day, hour, minute, millisecond } = zone.toCivil(epochMs);
        const two = (part: number) => String(part).padStart(2, '0');
        const shown = `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(Math.floor(millisecond / 1000))}`;
        expect(shown).toBe(calendar.format(epochMs));
      }),
    );
  });

  it('tells the two turns of the repeated hour apart by summer time', () => {
    const first = Date.UTC(2026, 9, 25, 0, 30);
    const second = Date.UTC(2026, 9, 25, 1, 30);
    expect(berlin.toCivil(first)).toMatchObject({ day: 25, hour: 2, minute: 30, isSummer: true });
    expect(berlin.toCivil(second)).toMatchObject({ day: 25, hour: 2, minute: 30, isSummer: false });
    expect(berlin.toEpoch(berlin.toCivil(first))).toBe(first);
    expect(berlin.toEpoch(berlin.toCivil(second))).toBe(second);
  });

  it('finds both turns where clocks change at an odd minute', () => {
    const zone = timeZone('America/St_Johns');
    // Until 2011 clocks there went back at 00:01.
    const before = Date.UTC(2010, 10, 7, 2, 30, 59, 999);
    expect(zone.toCivil(before)).toMatchObject({ day: 7, hour: 0, minute: 0, millisecond: 59_999, isSummer: true });
    expect(zone.toCivil(before + 1)).toMatchObject({ day: 6, hour: 23, minute: 1, isSummer: false });
    expect(zone.toEpoch(zone.toCivil(before + 1))).toBe(before + 1);
  });

  it('takes summer from stations that never set it', () => {
    const july = Date.UTC(2026, 6, 1, 10);
    expect(berlin.toCivil(july)).toMatchObject({ hour: 12, isSummer: true });
    expect(berlin.toEpoch({ ...berlin.toCivil(july), isSummer: false })).toBe(july);
  });

  it('knows no instant in an hour that is skipped', () => {
    const skipped = { year: 2026, month: 3, day: 29, hour: 2, minute: 30, millisecond: 0, isSummer: false };
    expect(berlin.toEpoch(skipped)).toBeNull();
    expect(UTC.toEpoch(skipped)).toBe(Date.UTC(2026, 2, 29, 2, 30));
  });

  it.each([
    { month: 0 },
    { month: 13 },
    { day: 0 },
    { day: 31 },
    { hour: 24 },
    { minute: 60 },
    { millisecond: 60_000 },
  ])('knows no instant for %o of an April', (field) => {
    const civil = { year: 2026, month: 4, day: 1, hour: 0, minute: 0, millisecond: 0, isSummer: false, ...field };
    expect(UTC.toEpoch(civil)).toBeNull();
    expect(berlin.toEpoch(civil)).toBeNull();
  });

  it('knows summer in the southern half', () => {
    const sydney = timeZone('Australia/Sydney');
    expect(sydney.toCivil(Date.UTC(2026, 0, 1)).isSummer).toBe(true);
    expect(sydney.toCivil(Date.UTC(2026, 6, 1)).isSummer).toBe(false);
  });

  it('refuses a name that is no zone', () => {
    expect(isTimeZone('Europe/Berlin')).toBe(true);
    expect(isTimeZone('Europe/Nowhere')).toBe(false);
    expect(() => timeZone('Europe/Nowhere')).toThrow(/Europe\/Nowhere/);
  });
});
