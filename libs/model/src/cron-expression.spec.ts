import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cronProblem } from './cron-expression.js';

describe('cron expressions', () => {
  it.each([
    '0 2 * * *',
    '*/15 * * * *',
    '0-30/10 6-18 * * 1-5',
    '0 0 1,15 jan,JUL *',
    '5 4 * * SUN',
    '5 4 * * 7',
    '0 0 29 2 *',
    '0 0 31 2 MON',
    '  0\t0 * * *  ',
  ])('take %s', (text) => {
    expect(cronProblem(text)).toBeUndefined();
  });

  it.each([
    ['', '0 fields'],
    ['0 2 * *', '4 fields'],
    ['0 0 2 * * *', '6 fields'],
    ['@daily', '1 fields'],
    ['60 * * * *', '"60" is no minute'],
    ['0 24 * * *', '"24" is no hour'],
    ['0 0 0 * *', '"0" is no day of month'],
    ['0 0 * 13 *', '"13" is no month'],
    ['0 0 * * 8', '"8" is no day of week'],
    ['0 0 * * FOO', '"FOO" is no day of week'],
    ['0 0 L * *', '"L" is no day of month'],
    ['0 22-6 * * *', 'runs backwards; write two items, such as 22-23,0-6'],
    ['5/10 * * * *', 'write 5-59/10'],
    ['*/0 * * * *', 'steps by nothing'],
    ['0 0 * * */8', 'steps further than 7'],
    ['*/5/2 * * * *', 'is no minute'],
    ['1-2-3 * * * *', 'is no minute'],
    ['1,,2 * * * *', '"" is no minute'],
    ['- * * * *', 'is no minute'],
    ['0 0 31 2,4,6 *', 'no month of it has such a day'],
    ['0 0 31 2 0-6', 'no month of it has such a day'],
  ])('refuse %j and say why', (text, reason) => {
    expect(cronProblem(text)).toContain(reason);
  });

  it('never throw, whatever the text', () => {
    const piece = fc.constantFrom('*', '/', '-', ',', '0', '7', '59', '99', 'MON', 'x', ' ');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((all) => all.join('')),
        ),
        (text) => {
          const problem = cronProblem(text);
          expect(problem === undefined || problem.length > 0).toBe(true);
        },
      ),
    );
  });
});
