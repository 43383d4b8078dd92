import { describe, expect, it } from 'vitest';
import { BusbarError, errorFix, errorSentence, isBusbarError } from './busbar-error.js';
import { ERRORS, type ErrorCode } from './codes.js';

const CODES = Object.keys(ERRORS) as ErrorCode[];
const PLACEHOLDER = /\{(\w+)\}/g;

function placeholdersOf(code: ErrorCode): string[] {
  const { sentence, fix } = ERRORS[code];
  return [...`${sentence} ${fix}`.matchAll(PLACEHOLDER)].map((match) => match[1] as string);
}

describe('the catalog', () => {
  it.each(CODES)('%s says what happened and what to do, in sentences', (code) => {
    const { sentence, fix, retry } = ERRORS[code];
    // A fix may be wholly the plug-in's own sentence.
    const texts = /^\{\w+\}$/.test(fix) ? [sentence] : [sentence, fix];
    for (const text of texts) {
      expect(text).toMatch(/^\S[\s\S]*[^.\s]\.$/);
      expect(text).not.toMatch(/\s\s/);
    }
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(['fix', 'retry', 'defect', 'refuse']).toContain(retry);
  });

  it.each(CODES)('%s has every placeholder filled', (code) => {
    const params = Object.fromEntries(placeholdersOf(code).map((name) => [name, `<${name}>`]));
    const { message } = new BusbarError(code, params);
    expect(message.match(PLACEHOLDER)).toBeNull();
    for (const name of Object.keys(params)) expect(message).toContain(`<${name}>`);
  });

  it('names no placeholder like a word of JavaScript objects', () => {
    for (const code of CODES) for (const name of placeholdersOf(code)) expect(name in {}).toBe(false);
  });
});

describe('an error of the catalog', () => {
  const error = new BusbarError('PORT_IN_USE', { address: '127.0.0.1:8080', setting: 'BUSBAR_HTTP' });

  it('says sentence and fix', () => {
    expect(error.message).toBe(
      'Address 127.0.0.1:8080 is in use already. Stop the other program, or give another address by BUSBAR_HTTP.',
    );
    expect(`${errorSentence(error.code, error.params)} ${errorFix(error.code, error.params)}`).toBe(error.message);
  });

  it('travels as code and parameters', () => {
    expect(error.diagnosis).toEqual({
      code: 'PORT_IN_USE',
      params: { address: '127.0.0.1:8080', setting: 'BUSBAR_HTTP' },
    });
    expect(error.retry).toBe('fix');
    expect(error.entry).toBe(ERRORS.PORT_IN_USE);
  });

  it('keeps its cause', () => {
    const cause = new Error('EADDRINUSE');
    expect(new BusbarError('PORT_IN_USE', {}, { cause }).cause).toBe(cause);
  });

  it('leaves a placeholder standing whose parameter is missing', () => {
    expect(errorSentence('NOT_FOUND', { kind: 'point' })).toBe('There is no point {id}.');
  });

  it('does not fill what a parameter brings along', () => {
    expect(errorSentence('NOT_FOUND', { kind: '{id}', id: 'x' })).toBe('There is no {id} x.');
  });

  it('is told from others by its code', () => {
    expect(isBusbarError(error)).toBe(true);
    expect(isBusbarError(error, 'PORT_IN_USE')).toBe(true);
    expect(isBusbarError(error, 'NOT_FOUND')).toBe(false);
    expect(isBusbarError(new Error('PORT_IN_USE'))).toBe(false);
    expect(isBusbarError(undefined)).toBe(false);
  });
});
