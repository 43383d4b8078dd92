import { bad, GOOD, uncertain } from '@busbar/model';
import type { LiveCell } from '@busbar/ui';
import { describe, expect, it } from 'vitest';
import { english, powerLimit } from '../testing/console-bench.js';
import { pointColumns } from './point-columns.js';

const now = 1_000_000;
const cell = (over: Partial<LiveCell>): LiveCell => ({
  value: 60,
  quality: GOOD,
  sourceTime: now - 3200,
  lastGood: null,
  held: false,
  ...over,
});
const column = (key: string, offline = false) => {
  const found = pointColumns(english, () => offline).find((one) => one.key === key);
  if (found === undefined) throw new Error(`no column ${key}`);
  return found;
};

describe('columns of the live table', () => {
  it('are quiet when well', () => {
    expect(column('quality').paint(powerLimit, cell({}), now)).toEqual({ text: '' });
    expect(column('value').paint(powerLimit, cell({}), now)).toEqual({
      text: '60.00',
      tip: '',
      label: '60.00 %, 3.2 s ago',
    });
  });

  it('show a bad value by shape, word and color, without its number', () => {
    const dead = cell({ quality: bad('not-connected'), lastGood: { value: 50, sourceTime: now - 60_000 } });
    expect(column('value').paint(powerLimit, dead, now)).toMatchObject({ text: '--', shape: 'bad', look: 'state-bad' });
    expect(column('value').paint(powerLimit, dead, now).tip).toContain('50.00 %');
    expect(column('quality').paint(powerLimit, dead, now)).toMatchObject({
      text: 'bad: not connected',
      look: 'state-bad',
    });
    expect(column('value').copy(powerLimit, dead)).toBe('');
  });

  it('mark a stale value, and every value while the link is lost', () => {
    expect(column('value').paint(powerLimit, cell({ quality: uncertain('stale') }), now)).toMatchObject({
      shape: 'uncertain',
      look: 'stale',
    });
    expect(column('value', true).paint(powerLimit, cell({}), now)).toMatchObject({ look: 'stale' });
  });

  it('never cut a long number, and show it whole to the pointer too', () => {
    const energy = { ...powerLimit, point: { ...powerLimit.point, type: 'long' as const } };
    const content = column('value').paint(energy, cell({ value: '18446744073709551615' }), now);
    expect(content).toMatchObject({
      text: '18,446,744,073,709,551,615',
      look: 'whole',
      tip: '18,446,744,073,709,551,615',
    });
  });

  it('copy raw values and ISO times', () => {
    expect(column('value').copy(powerLimit, cell({ value: 1234.5 }))).toBe('1234.5');
    expect(column('time').copy(powerLimit, cell({ sourceTime: 0 }))).toBe('1970-01-01T00:00:00.000+00:00');
  });

  it('offer a request only where a policy governs the point', () => {
    expect(column('control').paint(powerLimit, undefined, now)).toMatchObject({ action: 'r' });
    expect(column('control').paint({ ...powerLimit, control: null }, undefined, now)).toEqual({ text: '' });
  });
});
