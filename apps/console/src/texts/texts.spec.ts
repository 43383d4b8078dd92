import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UI_TEXTS } from '@busbar/ui';
import { describe, expect, it } from 'vitest';
import en from './en.json' with { type: 'json' };
import zh from './zh.json' with { type: 'json' };

const root = join(import.meta.dirname, '..');
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !file.includes('.spec.') && !file.startsWith('testing'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');
const whole = new Set([...sources.matchAll(/'([a-z]+\.[\w.]+)'/gi)].map((match) => match[1] ?? ''));
const begun = [...sources.matchAll(/`([a-z]+\.[\w.]*)\$\{/gi)].map((match) => match[1] ?? '');
const english: Readonly<Record<string, string>> = en;
const chinese: Readonly<Record<string, string>> = zh;
const bare = (key: string) => key.replace(/_(one|other)$/, '');
const holes = (text: string | undefined) =>
  [...(text ?? '').matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

describe('texts of the console', () => {
  it('have the same keys in both languages, with the same places to fill', () => {
    expect(Object.keys(chinese)).toEqual(Object.keys(english));
    for (const [key, text] of Object.entries(english)) {
      if (!key.endsWith('_one')) expect([key, holes(chinese[key])]).toEqual([key, holes(text)]);
    }
  });

  it('are all used', () => {
    const unused = Object.keys(english).filter(
      (key) => !whole.has(bare(key)) && !begun.some((start) => key.startsWith(start)),
    );
    expect(unused).toEqual([]);
  });

  it('exist for every key that the sources name', () => {
    const known = new Set([...Object.keys(english).map(bare), ...Object.keys(UI_TEXTS.en)]);
    const roots = new Set([...known].map((key) => key.split('.')[0]));
    expect([...whole].filter((key) => roots.has(key.split('.')[0]) && !known.has(key))).toEqual([]);
  });

  it('give no key of the library another meaning', () => {
    expect(Object.keys(english).filter((key) => key in UI_TEXTS.en)).toEqual([]);
  });
});
