import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FilePattern, filePatternProblem } from './file-pattern.js';

/** The same meaning by a regular expression, for patterns without braces. */
function reference(pattern: string): RegExp {
  const source = pattern.replace(/\\(.)|[*?]|\[[^\]]+\]|[\s\S]/gu, (part, literal?: string) => {
    if (literal !== undefined) return literal.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
    if (part === '*') return '[\\s\\S]*';
    if (part === '?') return '[\\s\\S]';
    if (part.startsWith('[') && part.length > 1) return part.replace(/^\[!/, '[^');
    return part.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 'u');
}

const letters = fc.constantFrom('a', 'b', 'c', '.', ' ', '故');
const name = fc.array(letters, { maxLength: 12 }).map((list) => list.join(''));
const pattern = fc
  .array(fc.oneof(letters, fc.constantFrom('*', '?', '[ab]', '[!a]', '[a-c]', '\\*', '\\a')), {
    minLength: 1,
    maxLength: 8,
  })
  .map((list) => list.join(''));

describe('patterns of file names', () => {
  it.each([
    ['*.cfg', '故障 录波 1.cfg', true],
    ['*.cfg', '1.CFG', false],
    ['*', '', true],
    ['?.dat', '故.dat', true],
    ['rec-[0-9].dat', 'rec-7.dat', true],
    ['rec-[!0-9].dat', 'rec-7.dat', false],
    ['rec.{cfg,dat}', 'rec.dat', true],
    ['rec.{cfg,dat}', 'rec.hdr', false],
    ['{a,b}{1,2}', 'b1', true],
    ['\\*.txt', '*.txt', true],
    ['\\*.txt', 'a.txt', false],
    ['[]]x', ']x', true],
    ['caf\u00e9*', 'cafe\u0301.txt', true],
  ])('%s and "%s": %s', (text, candidate, isMatch) => {
    expect(new FilePattern(text).matches(candidate)).toBe(isMatch);
  });

  it('mean what a regular expression of the same means', () => {
    fc.assert(
      fc.property(pattern, name, (text, candidate) => {
        expect(new FilePattern(text).matches(candidate)).toBe(reference(text).test(candidate));
      }),
      { numRuns: 5_000 },
    );
  });

  it('never take long, however many stars they have', () => {
    const hard = new FilePattern(`${'*a'.repeat(40)}b`);
    const started = performance.now();
    expect(hard.matches('a'.repeat(5_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('know the one name that fits', () => {
    expect(new FilePattern('a\\*b.txt').exact).toBe('a*b.txt');
    expect(new FilePattern('a?.txt').exact).toBeUndefined();
    expect(new FilePattern('{a,b}').exact).toBeUndefined();
  });

  it.each([
    ['', 'it is empty'],
    ['a/b', 'a pattern names files of one folder and has no /'],
    ['[a', '[ has no ]'],
    ['{a', '{ has no }'],
    ['{a,{b}}', '{ stands inside of {'],
    ['a\\', 'it ends with \\'],
    ['[z-a]', 'z-a runs backwards'],
    ['{a,b}'.repeat(7), 'it has more than 64 alternatives'],
  ])('refuse "%s"', (text, problem) => {
    expect(filePatternProblem(text)).toBe(problem);
  });

  it('take any text without failing in another way', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, candidate) => {
        if (filePatternProblem(text) === undefined) new FilePattern(text).matches(candidate);
      }),
    );
  });
});
