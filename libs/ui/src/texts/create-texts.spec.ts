import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONNECTION_STATES, FAILURE_CODES, RULES } from '@busbar/api-schema';
import { ERRORS } from '@busbar/errors';
import { describe, expect, it } from 'vitest';
import { createTexts, UI_TEXTS } from './create-texts.js';
import errors from './errors.zh.json' with { type: 'json' };

const sources = readdirSync(join(import.meta.dirname, '..'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !file.includes('.spec.'))
  .map((file) => readFileSync(join(import.meta.dirname, '..', file), 'utf8'))
  .join('\n');

/** Keys written in the sources, and beginnings of keys that are completed at run time. */
const whole = new Set([...sources.matchAll(/'([a-z]+\.[\w.-]+)'/gi)].map((match) => match[1] ?? ''));
const begun = [...sources.matchAll(/`([a-z]+\.[\w.]*)\$\{/gi)].map((match) => match[1] ?? '');
const holes = (text: string) => [...text.matchAll(/\{+(\w+)\}+/g)].map((match) => match[1]).sort();

describe('texts', () => {
  it('have the same keys in both languages, with the same places to fill', () => {
    expect(Object.keys(UI_TEXTS.zh)).toEqual(Object.keys(UI_TEXTS.en));
    for (const [key, text] of Object.entries(UI_TEXTS.en))
      expect([key, holes(UI_TEXTS.zh[key] ?? '')]).toEqual([key, holes(text)]);
  });

  it('are all used', () => {
    const unused = Object.keys(UI_TEXTS.en).filter(
      (key) => !whole.has(key) && !begun.some((start) => key.startsWith(start)),
    );
    expect(unused).toEqual([]);
  });

  it('exist for every key that the sources name', () => {
    const roots = new Set(Object.keys(UI_TEXTS.en).map((key) => key.split('.')[0]));
    const missing = [...whole].filter((key) => roots.has(key.split('.')[0]) && !(key in UI_TEXTS.en));
    expect(missing).toEqual([]);
  });

  it('know every rule, failure and state', () => {
    for (const rule of RULES) expect(UI_TEXTS.en).toHaveProperty([`rule.${rule}.sentence`]);
    for (const code of FAILURE_CODES) expect(UI_TEXTS.en).toHaveProperty([`failure.${code}`]);
    for (const state of CONNECTION_STATES) expect(UI_TEXTS.en).toHaveProperty([`health.${state}`]);
  });

  it('word errors in Chinese with the parameters of the catalog', () => {
    for (const [code, words] of Object.entries(errors)) {
      const entry = ERRORS[code as keyof typeof ERRORS];
      expect([code, holes(words.sentence)]).toEqual([code, holes(entry.sentence)]);
    }
  });

  it('are filled, and taken from the program too', () => {
    const texts = createTexts({
      en: { 'page.count': '{{n}} of {{total}}' },
      zh: { 'page.count': '共 {{total}} 个，{{n}} 个' },
    });
    expect(texts.of('en')('page.count', { n: 1, total: 2 })).toBe('1 of 2');
    expect(texts.of('zh')('page.count', { n: 1, total: 2 })).toBe('共 2 个，1 个');
    expect(texts.of('zh')('quality.bad')).toBe('坏');
  });
});
