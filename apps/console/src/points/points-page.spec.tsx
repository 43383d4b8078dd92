// @vitest-environment happy-dom

import { Route, Routes } from 'react-router-dom';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { consoleBench, powerLimit } from '../testing/console-bench.js';
import { PointsPage } from './points-page.js';

let bench: ReturnType<typeof consoleBench>;
beforeEach(() => {
  bench = consoleBench((_method, path) => {
    if (path === '/assets')
      return {
        status: 200,
        body: { assets: [{ asset: 'inv-01', title: 'Inverter 1', model: 'inverter', points: 1 }] },
      };
    return { status: 404, body: { code: 'NOT_FOUND', params: { kind: 'route', id: path }, sentence: 's', fix: 'f' } };
  });
});
afterEach(() => bench.end());

const page = (
  <Routes>
    <Route path="/points/:asset?/:point?" element={<PointsPage />} />
  </Routes>
);

describe('PointsPage', () => {
  it('asks the server for what its link says', async () => {
    await bench.show(page, '/points?q=power&quality=abnormal');
    const open = bench.sent.find((message) => message.t === 'open' && message.kind === 'points');
    expect(open).toMatchObject({ query: { text: 'power', abnormal: true }, from: 0, hz: 5 });
  });

  it('says why there is no row, and what to do', async () => {
    await bench.show(page, '/points');
    await bench.say({ t: 'opened', id: bench.idOf('points'), total: 0, from: 0, rows: [] });
    expect(bench.text()).toContain('There are no points yet.');
  });

  it('says that all is well when nothing is abnormal', async () => {
    await bench.show(page, '/points?quality=abnormal');
    await bench.say({ t: 'opened', id: bench.idOf('points'), total: 0, from: 0, rows: [] });
    expect(bench.text()).toContain('Every point is good.');
  });

  it('clears a filter that nothing matches', async () => {
    await bench.show(page, '/points?q=nothing');
    await bench.say({ t: 'opened', id: bench.idOf('points'), total: 0, from: 0, rows: [] });
    await bench.press('Clear the filter');
    expect(bench.where()).toBe('/points');
  });

  it('shows an error of the server in the place of the rows', async () => {
    await bench.show(page, '/points');
    await bench.say({
      t: 'error',
      id: bench.idOf('points'),
      code: 'INTERNAL',
      sentence: 'Busbar failed.',
      fix: 'Try again.',
    });
    expect(document.querySelector('[role=alert]')?.textContent).toMatch(/Busbar failed\..*Try again\./);
  });

  it('opens the detail of the point in its link, and says when that is gone', async () => {
    await bench.show(page, '/points/inv-01/INV.PowerLimit');
    const id = bench.sent.find(
      (message) => message.t === 'open' && JSON.stringify(message.query).includes('paths'),
    )?.id;
    await bench.say({ t: 'opened', id: Number(id), total: 1, from: 0, rows: [powerLimit] });
    expect(document.querySelector('aside h2')?.textContent).toBe('Power limit');
    await bench.say({ t: 'opened', id: Number(id), total: 0, from: 0, rows: [] });
    expect(document.querySelector('aside')?.textContent).toContain('There is no point inv-01/INV.PowerLimit');
  });
});
