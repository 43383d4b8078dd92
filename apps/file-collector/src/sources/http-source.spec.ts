import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readIndex } from './http-source.js';

const folder = new URL('http://host/files/');

describe('an index page', () => {
  it('gives the files of its folder, not those elsewhere, below, above or behind a query', () => {
    const page = `<a href="../">up</a> <A class=x HREF='a%20b.csv'>a b</A> <a href="/files/%E6%95%85.csv">x</a>
      <a href="?C=M">sort</a> <a href="below/">d</a> <a href="/other/c.csv">c</a> <a href="http://evil/files/d.csv">d</a>
      <a href="a%20b.csv">again</a> <a href="x&amp;y.csv">x</a> <a href="%2e%2e%2fup.csv">up</a> <a href="%zz">bad</a>`;
    expect(readIndex(page, folder)).toEqual({ files: ['a b.csv', '故.csv', 'x&y.csv'], folders: ['below'] });
  });

  it('may be JSON as nginx makes it', () => {
    const page = JSON.stringify([
      { name: 'a.csv', type: 'file' },
      { name: 'd', type: 'directory' },
      { name: '../x', type: 'file' },
    ]);
    expect(readIndex(page, folder)).toEqual({ files: ['a.csv'], folders: ['d'] });
  });

  it('of any text never gives a name with a folder in it', () => {
    const link = fc.string().map((href) => `<a href="${href}">x</a>`);
    fc.assert(
      fc.property(fc.array(link), (links) => {
        const { files, folders } = readIndex(links.join(''), folder);
        for (const name of [...files, ...folders]) expect(name).toMatch(/^(?!\.\.?$)[^/]+$/);
      }),
    );
  });
});
