import type { PointConfig } from '@busbar/events';
import { describe, expect, it } from 'vitest';
import { commandValue } from './command-value.js';

function typed(type: PointConfig['type'], raw: unknown) {
  return commandValue(raw, { type } as PointConfig);
}

describe('the value of a command', () => {
  it('takes the type of its point', () => {
    expect(typed('bool', 1)).toBe(true);
    expect(typed('bool', 'false')).toBe(false);
    expect(typed('double', '12.5')).toBe(12.5);
    expect(typed('int', '-7')).toBe(-7);
    expect(typed('enum', '2')).toBe(2);
    expect(typed('string', '2')).toBe('2');
    expect(typed('long', '9007199254740993')).toBe('9007199254740993');
  });

  it('stays as it is where it does not fit, so that the arbiter refuses it', () => {
    expect(typed('bool', 2)).toBe(2);
    expect(typed('double', '12,5')).toBe('12,5');
    expect(typed('double', '')).toBe('');
    expect(typed('int', '99999999999999999999')).toBe('99999999999999999999');
    expect(commandValue('x', undefined)).toBe('x');
  });

  it('is none for null, lists and objects', () => {
    for (const raw of [null, undefined, [], {}]) expect(typed('double', raw)).toBeUndefined();
  });
});
