// @vitest-environment happy-dom
import type { FiguresView } from '@busbar/api-schema';
import { act } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Answer, consoleBench } from '../testing/console-bench.js';
import { FiguresPage } from './figures-page.js';

const view: FiguresView = {
  at: 900_000,
  stepMs: 20_000,
  groups: [
    {
      id: 'collection',
      tables: [
        {
          id: 'connections',
          columns: ['up', 'scanLoad'],
          rows: [
            {
              id: 'inverters',
              note: 'modbus',
              cells: [
                { value: 0, unit: 'isUp', state: 'critical', trend: null },
                { value: 0.37, unit: 'share', state: 'normal', trend: [0.2, null, 0.37] },
              ],
            },
          ],
          left: 3,
        },
      ],
    },
    { id: 'forwarding', tables: [{ id: 'servers', columns: ['masters'], rows: [], left: 0 }] },
  ],
};

let answer: Answer;
let bench: ReturnType<typeof consoleBench>;

beforeEach(() => {
  answer = { status: 200, body: view };
  bench = consoleBench(() => answer);
});
afterEach(() => bench.end());

async function shown(text: string): Promise<void> {
  await bench.show(<FiguresPage />, '/system/figures');
  await act(async () => void (await vi.waitUntil(() => bench.text().includes(text))));
}

describe('FiguresPage', () => {
  it('shows each figure in its unit with its trend, what needs action, and how many rows are left out', async () => {
    await shown('inverters');
    const cells = [...document.querySelectorAll('tbody td')].map((cell) => cell.textContent);
    expect(cells[0]).toBe('down, needs action');
    expect(cells[1]).toContain('37 %');
    expect(document.querySelectorAll('tbody td')[1]?.querySelector('svg title')?.textContent).toBe('the last 1 min');
    expect(document.querySelector('.figure')?.className).toContain('state-bad');
    expect(bench.text()).toContain('3 more');
  });

  it('says plainly where nothing of a kind runs', async () => {
    await shown('Third parties');
    expect(document.querySelector('[aria-label="Third parties"]')?.textContent).toContain(
      'Nothing of this kind runs here.',
    );
  });

  it('says why there are no figures', async () => {
    answer = { status: 503, body: { code: 'BUS_UNREACHABLE', params: { brokers: 'a:9092' }, sentence: 's', fix: 'f' } };
    await shown('a:9092');
    expect(document.querySelectorAll('table')).toHaveLength(0);
  });
});
