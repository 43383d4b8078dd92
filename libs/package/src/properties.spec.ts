import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import { cellStarts } from './csv-reader.js';
import { formatFinding } from './format-finding.js';
import { formatLock, parseLock, sortLock } from './lock.js';
import { editDistance, nearest } from './nearest.js';
import { SourceText } from './place.js';
import { calculate, fillPlaceholders, scalarParameter } from './placeholders.js';
import type { LockLine, PackageFile } from './result.js';
import { FAKE_PLUGINS } from './testing/fake-plugins.js';
import { readFolder, textFiles } from './testing/read-folder.js';
import { conversion } from './units.js';
import { validatePackage } from './validate.js';

const HEAD = 'apiVersion: busbar/v1\nsite: { id: demo, timezone: UTC }\n';
const example = readFolder(join(dirname(fileURLToPath(import.meta.url)), '../../../examples/pv-site'));

/** Whatever comes in: a result, findings with a place in a file that was given, and a sentence for each. */
function expectAnswer(files: readonly PackageFile[]): void {
  const { findings, valid } = validatePackage(files, { plugins: FAKE_PLUGINS });
  const isRefused = findings.some(({ severity }) => severity === 'error');
  expect(valid === undefined).toBe(isRefused);
  expect(findings.length).toBeLessThanOrEqual(1000);
  for (const finding of findings) {
    expect(finding.line).toBeGreaterThan(0);
    expect(finding.column).toBeGreaterThan(0);
    expect(formatFinding(finding)).not.toMatch(/\{\w+\}(?!.*`)/);
    const file = files.find(({ path }) => path === finding.file);
    if (!file) continue;
    const lines = new TextDecoder().decode(file.content).split(/\r\n|\r|\n/);
    expect(finding.line).toBeLessThanOrEqual(lines.length);
    expect(finding.column).toBeLessThanOrEqual((lines[finding.line - 1]?.length ?? 0) + 1);
  }
}

const yamlish = fc
  .array(
    fc.constantFrom(
      'models:',
      'connections:',
      'a:',
      ' ',
      '  ',
      '\n',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ',',
      ': ',
      '&x',
      '*x',
      '!!str ',
      '<<: ',
      '"',
      "'",
      '#',
      '|',
      '>',
      '%YAML 1.1',
      '---',
      '...',
      'each: 1..3',
      '$n',
      '$(',
      '~',
      'null',
      '1e999',
      '.nan',
      '0x7f',
      '\t',
      '? ',
      '\u0000',
      '\ud800',
      '\r',
      '__proto__: ',
      'constructor: ',
      'remove: true',
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));

describe('validation never throws', () => {
  it('for any octets', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.tuple(
            fc.constantFrom('busbar.yaml', 'a.yaml', 'points/t.csv', 'busbar.lock'),
            fc.uint8Array({ maxLength: 200 }),
          ),
          { maxLength: 4, selector: ([path]) => path },
        ),
        (files) => expectAnswer(files.map(([path, content]) => ({ path, content }))),
      ),
      { numRuns: 300 },
    );
  });

  it('for any text that looks like YAML or CSV', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(yamlish, fc.string({ unit: fc.constantFrom(...'a,"\n#1;$x') }), (yaml, csv) =>
        expectAnswer(
          textFiles({ 'busbar.yaml': HEAD + yaml, 'b.yaml': yaml, 'points/t.csv': csv, 'busbar.lock': csv }),
        ),
      ),
      { numRuns: 300 },
    );
  });

  it('for the example with any piece cut out, doubled or replaced', { timeout: 120_000 }, () => {
    const mutation = fc.record({
      file: fc.nat({ max: example.length - 1 }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat({ max: 30 }),
      text: fc.oneof(
        fc.constant(''),
        yamlish,
        fc.string({ unit: 'binary', maxLength: 10 }),
        fc.constantFrom('\n', '  ', ': ', '$n', '{}', '[]', '0', '"'),
      ),
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const files = example.map((file) => ({ ...file }));
        for (const { file, at, length, text } of mutations) {
          const target = files[file];
          if (!target) continue;
          const before = new TextDecoder().decode(target.content);
          const start = Math.floor(at * before.length);
          target.content = new Uint8Array(
            new TextEncoder().encode(before.slice(0, start) + text + before.slice(start + length)),
          );
        }
        expectAnswer(files);
      }),
      { numRuns: 200 },
    );
  });

  it('for deep nesting and huge files', { timeout: 60_000 }, () => {
    expectAnswer(textFiles({ 'busbar.yaml': HEAD, 'a.yaml': `models: ${'['.repeat(20_000)}` }));
    expectAnswer(textFiles({ 'busbar.yaml': HEAD, 'a.yaml': `models: ${'{ a: '.repeat(500)}1${' }'.repeat(500)}` }));
    expectAnswer(textFiles({ 'busbar.yaml': HEAD, 'a.yaml': `# ${'x'.repeat(6 * 1024 * 1024)}` }));
    expectAnswer(textFiles({ 'busbar.yaml': HEAD, 'points/t.csv': `id,address\n${'a,b\n'.repeat(100_001)}` }));
    const bomb = `${HEAD}connections:\n${Array.from({ length: 30 }, (_, n) => `  c${n}-$n: { each: 1..10000, driver: modbus, with: { host: h$n } }\n`).join('')}`;
    expectAnswer(textFiles({ 'busbar.yaml': bomb }));
  });
});

describe('each', () => {
  const made = (connections: string, lists: Readonly<Record<string, string>> = {}) => {
    const files = textFiles({ 'busbar.yaml': HEAD, 'c.yaml': `connections:\n${connections}`, ...lists });
    const { valid, findings } = validatePackage(files, { plugins: FAKE_PLUGINS });
    if (!valid) throw new Error(findings.map(formatFinding).join('\n'));
    return valid.configuration.connections.map(({ id, title, with: options }) => {
      const { host, port } = options as Readonly<Record<string, unknown>>;
      return [id, host, port, title];
    });
  };

  it('makes one entry per number of a range, padded as wanted', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20 }), (from, more) => {
        const rows = made(
          `  c-$nnn: { each: ${from}..${from + more}, driver: modbus, title: $n, with: { host: h$nn, port: $(n*2+1) } }\n`,
        );
        expect(rows).toEqual(
          Array.from({ length: more + 1 }, (_, index) => {
            const n = from + index;
            return [`c-${String(n).padStart(3, '0')}`, `h${String(n).padStart(2, '0')}`, n * 2 + 1, String(n)];
          }),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('makes one entry per item of a list and per row of a CSV', () => {
    expect(
      made('  c-$item: { each: [ a, b, 3 ], driver: modbus, with: { host: h$item } }\n').map(([id, host]) => [
        id,
        host,
      ]),
    ).toEqual([
      ['c-a', 'ha'],
      ['c-b', 'hb'],
      ['c-3', 'h3'],
    ]);
    const csv = '# plants\nid,host,port,name\nx,10.0.0.1,502,007\ny,10.0.0.2,1502,"a, b"\n';
    const rows = made(
      '  c-$id: { each: lists/l.csv, driver: modbus, title: $name, with: { host: $host, port: $port } }\n',
      { 'lists/l.csv': csv },
    );
    expect(rows).toEqual([
      ['c-x', '10.0.0.1', 502, '007'],
      ['c-y', '10.0.0.2', 1502, 'a, b'],
    ]);
  });

  it('expands within what it made', () => {
    const files = textFiles({
      'busbar.yaml': HEAD,
      'points/t.csv': 'id,address\np,holding:1\n',
      'c.yaml': `connections:
  c-$n:
    each: 1..2
    driver: modbus
    with: { host: h$n }
    devices:
      d-$n-$item: { each: [ a, b ], table: t, with: { unitId: $n } }
`,
    });
    const { valid, findings } = validatePackage(files, { plugins: FAKE_PLUGINS });
    // The inner `each` knows the outer one's $n: both devices of a connection have the same unit, as reported.
    expect(findings.map(({ code, instances }) => [code, instances])).toEqual([['DEVICE_ADDRESS', 2]]);
    expect(findings[0]?.params).toEqual({ a: 'd-1-a', b: 'd-1-b', address: 'unitId 1' });
    expect(valid).toBeUndefined();
  });

  it('merges an exception key by key over what was made', () => {
    const files = textFiles({
      'busbar.yaml': HEAD,
      'points/t.csv': 'id,address\np,holding:1\n',
      'c.yaml': `connections:
  c-$n:
    each: 1..2
    driver: modbus
    with: { host: h$n }
    devices:
      d-$n-$item: { each: [ 1, 2 ], table: t, title: "$n/$item costs $$1", with: { unitId: $item } }
  c-2: { with: { port: 1502 }, devices: { d-2-1: { with: { unitId: 7 } }, d-2-2: { remove: true } } }
`,
    });
    const { valid } = validatePackage(files, { plugins: FAKE_PLUGINS });
    const seen = valid?.configuration.connections.map((one) => [
      (one.with as Readonly<Record<string, unknown>>).host,
      (one.with as Readonly<Record<string, unknown>>).port,
      one.kind === 'access' ? one.devices.map((device) => [device.id, device.title, device.with.unitId]) : [],
    ]);
    expect(seen).toEqual([
      [
        'h1',
        502,
        [
          ['d-1-1', '1/1 costs $1', 1],
          ['d-1-2', '1/2 costs $1', 2],
        ],
      ],
      ['h2', 1502, [['d-2-1', '2/1 costs $1', 7]]],
    ]);
  });

  it('leaves `$.`, `$[` and a lone `$` alone', () => {
    for (const text of ['$.a.b', '$[0]', '5 $', '$ 5']) expect(fillPlaceholders(text, new Map())).toEqual({ text });
    expect(fillPlaceholders('$$n', new Map([['n', scalarParameter(1)]]))).toEqual({ text: '$n' });
  });

  it('calculates as arithmetic does', () => {
    const n = fc.integer({ min: -50, max: 50 });
    fc.assert(
      fc.property(n, n, n, (a, b, c) => {
        const names = new Map(
          [
            ['a', a],
            ['b', b],
            ['c', c],
          ].map(([name, value]) => [String(name), scalarParameter(Number(value))]),
        );
        expect(calculate('a+b*c', names)).toBe(a + b * c);
        expect(calculate('(a - b) * -c', names)).toBe((a - b) * -c);
        expect(calculate('2*(a+(b-c))', names)).toBe(2 * (a + (b - c)));
      }),
    );
  });

  it('never throws on an expression', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab12+-*/%() .') }), (text) => void calculate(text, new Map())),
    );
  });
});

describe('places', () => {
  it('of CSV cells agree with the parser', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '"', ',', '\n'), maxLength: 5 });
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 }), (rows) => {
        const text = rows.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(',')).join('\n#x,"\n\n');
        const parsed = Papa.parse<string[]>(text, {
          delimiter: ',',
          newline: '\n',
          comments: '#',
          skipEmptyLines: true,
        });
        const starts = cellStarts(text);
        expect(parsed.data).toEqual(rows);
        expect(starts.map((row) => row.length)).toEqual(rows.map((row) => row.length));
        for (const [r, row] of starts.entries()) {
          for (const [c, at] of row.entries()) {
            const quoted = `"${rows[r]?.[c]?.replaceAll('"', '""')}"`;
            expect(text.slice(at, at + quoted.length)).toBe(quoted);
          }
        }
      }),
    );
  });

  it('are lines and columns of the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\n') }), fc.nat({ max: 50 }), (text, at) => {
        const offset = Math.min(at, text.length);
        const before = text.slice(0, offset).split('\n');
        expect(new SourceText('f', text).positionOf(offset)).toEqual({
          line: before.length,
          column: (before.at(-1)?.length ?? 0) + 1,
        });
      }),
    );
  });
});

describe('small parts', () => {
  it('a lock is the same after writing and reading', () => {
    const id = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,10}$/);
    const line = fc.record({
      kind: fc.constantFrom('tag' as const, 'point' as const),
      scope: id,
      number: fc.integer({ min: 1, max: 2_000_000 }),
      id,
      type: fc.constantFrom('', 'double', 'float32[10]'),
      state: fc.constantFrom('' as const, 'retired' as const),
    });
    const lines = fc.uniqueArray(line, {
      selector: ({ kind, scope, number, id: name }) => `${kind} ${scope} ${number} ${name}`,
      maxLength: 30,
    });
    fc.assert(
      fc.property(lines, (all: LockLine[]) => {
        const once = [...new Map(all.map((one) => [`${one.kind} ${one.scope} ${one.number}`, one])).values()];
        const unique = [...new Map(once.map((one) => [`${one.kind} ${one.scope} ${one.id}`, one])).values()];
        expect(parseLock(formatLock(unique))).toEqual(sortLock(unique));
      }),
    );
  });

  it('the edit distance is a distance', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
    expect(nearest('readonly', ['host', 'readOnly', 'retry'])).toBe('readOnly');
    expect(nearest('zzz', ['host', 'readOnly'])).toBeUndefined();
  });

  it('units convert both ways, and not between dimensions', () => {
    expect(conversion('W', 'kW')).toEqual({ factor: 0.001, shift: 0 });
    expect(conversion('kWh', 'MWh')).toEqual({ factor: 0.001, shift: 0 });
    expect(conversion('degC', 'K')).toEqual({ factor: 1, shift: 273.15 });
    expect(conversion('degF', 'degC')).toEqual({ factor: 5 / 9, shift: -160 / 9 });
    expect(conversion('kW', 'V')).toBe('different');
    expect(conversion('kW', 'kvar')).toBe('different');
    expect(conversion('bananas', 'kW')).toEqual({ factor: 1, shift: 0 });
    expect(conversion(undefined, 'kW')).toEqual({ factor: 1, shift: 0 });
  });
});
