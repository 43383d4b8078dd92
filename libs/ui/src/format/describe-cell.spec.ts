import { bad, GOOD, uncertain } from '@busbar/model';
import { describe, expect, it } from 'vitest';
import type { Display } from '../display.js';
import type { LiveCell } from '../live/points-feed.js';
import { createTexts } from '../texts/create-texts.js';
import { describeCell } from './describe-cell.js';
import type { Point } from './format-value.js';

const texts = createTexts({ en: {}, zh: {} });
const display: Display = { language: 'en', zone: 'Asia/Shanghai', t: texts.of('en') };
const now = Date.UTC(2026, 10, 4, 6, 3, 22, 131);
const power: Point = {
  number: 1,
  id: 'INV.ActivePower',
  title: 'Active power',
  type: 'float',
  kind: 'AI',
  access: 'r',
  unit: 'kW',
  quality: true,
};
const cell = (over: Partial<LiveCell>): LiveCell => ({
  value: 50,
  quality: GOOD,
  sourceTime: now - 3200,
  lastGood: null,
  held: false,
  ...over,
});
const online = { display, now, offline: false };

describe('describeCell', () => {
  it('says value, unit and age of a good one', () => {
    expect(describeCell(cell({}), power, online)).toEqual({
      value: '50.00',
      unit: 'kW',
      state: 'good',
      age: '',
      tip: '',
      label: '50.00 kW, 3.2 s ago',
    });
  });

  it('shows -- for a bad one whatever number came with it, and the last good one with its age beside', () => {
    const lastGood = { value: 50, sourceTime: now - 17_460_000 };
    const text = describeCell(cell({ value: 7, quality: bad('not-connected'), lastGood }), power, online);
    expect(text).toMatchObject({ value: '--', unit: 'kW', state: 'bad' });
    expect(text.tip).toBe('Last good value 50.00 kW at 09:12:22.131 (4 h 51 min ago)');
    expect(text.label).toBe('-- kW, bad: not connected, 3.2 s ago');
  });

  it('tells the age of a stale one: by its quality, a lost link, a value kept over, or its age', () => {
    expect(describeCell(cell({ quality: uncertain('stale') }), power, online)).toMatchObject({
      state: 'stale',
      age: '3.2 s ago',
    });
    expect(describeCell(cell({}), power, { ...online, offline: true }).state).toBe('stale');
    expect(describeCell(cell({ held: true }), power, online)).toMatchObject({
      state: 'stale',
      label: '50.00 kW, not current, 3.2 s ago',
    });
    expect(describeCell(cell({}), power, { ...online, staleAfterMs: 3000 }).state).toBe('stale');
    expect(describeCell(cell({}), power, { ...online, staleAfterMs: 4000 }).state).toBe('good');
  });

  it('words enums and bools by the model, with the raw value in the tip', () => {
    const state: Point = { ...power, type: 'enum', unit: undefined, values: { 0: 'standby', 2: 'running' } };
    expect(describeCell(cell({ value: 2 }), state, online)).toMatchObject({
      value: 'running',
      tip: 'Raw value 2',
    });
    expect(describeCell(cell({ value: 5 }), state, online)).toMatchObject({ value: '5', tip: '' });
    const flag: Point = { ...power, type: 'bool', unit: undefined };
    expect(describeCell(cell({ value: 1 }), flag, online).value).toBe('true');
    expect(describeCell(cell({ value: 1 }), { ...flag, values: { 0: 'open', 1: 'closed' } }, online).value).toBe(
      'closed',
    );
  });

  it('keeps every digit of a 64-bit integer and leaves texts alone', () => {
    const total: Point = { ...power, type: 'long', unit: 'Wh' };
    expect(describeCell(cell({ value: '18446744073709551615' }), total, online).value).toBe(
      '18,446,744,073,709,551,615',
    );
    expect(describeCell(cell({ value: '0012' }), { ...power, type: 'string' }, online)).toMatchObject({
      value: '0012',
      unit: '',
    });
  });

  it('says that a device clock is ahead, and that no value has come yet', () => {
    expect(describeCell(cell({ sourceTime: now + 5000 }), power, online).label).toBe('50.00 kW, 5.0 s ahead');
    expect(describeCell(undefined, power, online)).toMatchObject({ value: '', label: 'no value yet' });
  });
});
