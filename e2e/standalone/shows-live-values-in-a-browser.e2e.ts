import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConsolePage, chromium } from '../harness/console-page.js';
import { editPackage } from '../harness/edit-package.js';
import { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

const ASSETS = ['inv-01', 'inv-02', 'inv-03', 'inv-04', 'mtr-01'];

if (!chromium) process.stdout.write('SKIPPED, not installed here: chromium. The console is not shown in a browser.\n');

let site: Site;
let tab: ConsolePage;
/** Errors that are no defect: how the browser notes a refusal, and a link that is cut on purpose. */
let excused = 0;
const REFUSAL = 'Failed to load resource: the server responded with a status of 423 (Locked)';

/** The cloud stronger than the operator, so that the console can meet a holder. */
async function prepare(): Promise<Site> {
  const prepared = await Site.prepare();
  editPackage(
    prepared.package,
    'control/policies.yaml',
    '[ operator, external, cloud:enos, app ]',
    '[ cloud:enos, operator, external, app ]',
  );
  return prepared;
}

/** Waits until the page shows something newer for every asset. A limited inverter gives the same value again. */
async function moving(what: 'value' | 'sourceTime'): Promise<void> {
  const before = new Map((await tab.rows()).map((row) => [`${row.asset}/${row.point}`, row[what]]));
  const moved = new Set<string>();
  await until(`the page shows a new ${what} of every asset`, async () => {
    for (const row of await tab.rows()) {
      if (/\d/.test(row.value) && before.get(`${row.asset}/${row.point}`) !== row[what]) moved.add(row.asset);
    }
    return ASSETS.every((asset) => moved.has(asset));
  });
}

async function stages(): Promise<string> {
  const chain = await tab.find('list', 'What became of the request');
  const text = await chain.evaluate((list) => (list as HTMLElement).innerText);
  await chain.dispose();
  return text;
}

async function ask(asset: string, value: string): Promise<void> {
  await tab.clickRow(asset, 'INV.PowerLimit', 'Set…');
  const field = await tab.find('textbox', 'New value');
  await field.type(value);
  await tab.click('button', 'Continue');
}

describe.skipIf(!chromium)('the console in a browser', () => {
  beforeAll(async () => {
    [site, tab] = await Promise.all([prepare(), ConsolePage.open()]);
    await site.run();
  });

  afterAll(async () => {
    await tab?.close();
    await site?.stop();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    process.stdout.write(`The page showed: ${await tab.text()}\nIts errors: ${tab.errors.join('\n')}\n`);
  });

  it('lets in by the link that the start printed, once', async () => {
    const link = await until(
      'the link is printed',
      () => /http:\/\/127\.0\.0\.1:\d+\/setup#\S+/.exec(site.program('standalone').output)?.[0],
    );
    await tab.page.goto(link);
    await tab.find('grid', 'Live values of the points');
    expect(new URL(tab.page.url()).pathname).toBe('/points');
    const body = JSON.stringify({ code: link.slice(link.indexOf('#') + 1) });
    const again = await fetch(new URL('/api/v1/session', link), {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: new URL(link).origin },
      body,
    });
    expect(again.status).toBe(401);
  });

  it('shows values of all five devices, and they change', async () => {
    await until('every asset has values', async () => {
      const rows = await tab.rows();
      return ASSETS.every((asset) => rows.some((row) => row.asset === asset && /\d/.test(row.value)));
    });
    await moving('value');
    const power = (await tab.rows()).find(({ asset, point }) => asset === 'inv-01' && point === 'INV.ActivePower');
    expect(Number(power?.value)).toBeGreaterThan(50);
    expect(power?.said).toMatch(/kW/);
  });

  it('opens a point with its trend', async () => {
    await tab.clickRow('inv-02', 'INV.ActivePower');
    const panel = await tab.find('complementary', 'Point inv-02/INV.ActivePower');
    await until('the trend has a line', async () => {
      const reading = await panel.$eval('[role=group] output', (output) => output.textContent ?? '');
      const inks = await panel.$eval('[role=group] canvas', (canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const pixels = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
        return new Set(new Uint32Array((pixels as Uint8ClampedArray).buffer)).size;
      });
      return /kW/.test(reading) && /good/.test(reading) && inks > 3;
    });
    expect(await tab.text()).toContain('About this point');
    await panel.dispose();
  });

  it('says how every connection is, in words', async () => {
    await tab.click('link', 'Connections');
    await tab.untilText('2 of 2 active', 30_000);
    await tab.untilText('1 of 1 active');
    await tab.page.click('::-p-aria([role="button"]) ::-p-text(inverters)');
    const text = await tab.untilText(/inv-04\s+active[\s\S]*10\/10/);
    for (const device of ASSETS.slice(0, 4)) expect(text).toContain(device);
    await tab.untilText('40/40');
    await tab.picture('console-connections');
    await tab.click('link', 'Points');
  });

  it('shows the figures of the last minutes, as the dashboards do', async () => {
    await tab.click('link', 'Figures');
    await tab.untilText(/Values collected\s+[1-9][\d.]*\/s/, 30_000);
    await tab.untilText(/inverters\s+modbus\s+up\s+[\d.]+ %/);
    expect(await tab.page.$$('svg[role="img"]')).not.toHaveLength(0);
    await tab.picture('console-figures');
    await tab.click('link', 'Points');
  });

  it('sends a set-point after a second look, and shows its way to the device and back', async () => {
    await ask('inv-01', '5');
    expect(await tab.untilText('Allowed: 10 to 100 %')).toContain('Continue');
    const field = await tab.find('textbox', 'New value');
    await field.click({ count: 3 });
    await field.type('62');
    await tab.click('button', 'Continue');
    await tab.untilText(/Write to Active power limit of Inverter 1/);
    await tab.click('button', 'Send now');
    const said = await until('the request has ended', async () => {
      const text = await stages();
      return text.includes('Read back') && text;
    });
    for (const word of ['Requested', 'Granted', 'Started', 'Acknowledged by the device', 'Executed']) {
      expect(said).toContain(word);
    }
    expect(said).toContain('Read back: 62 %');
    await tab.picture('console-request');
    await tab.click('button', 'Close');
    const { body } = await site.simulator<{ values: { limit: number } }>('/devices/inv-01');
    expect(body.values.limit).toBeCloseTo(62, 5);
    await until('the table shows it', async () =>
      (await tab.rows()).some(
        ({ asset, point, value }) => asset === 'inv-01' && point === 'INV.PowerLimit' && Number(value) === 62,
      ),
    );
  });

  it('shows who holds the point when the arbiter refuses', async () => {
    const { body } = await site.cloud<{ assets: Record<string, unknown> }>('/summary');
    const key = Object.keys(body.assets).find((name) => name.endsWith('inv-04'));
    const reply = await site.cloud<{ code: number }>(`/devices/${key}/set`, {
      method: 'POST',
      body: JSON.stringify({ points: { 'INV.PowerLimit': 70 } }),
    });
    expect(reply.body.code).toBe(200);
    await ask('inv-04', '90');
    await tab.click('button', 'Send now');
    const said = await until('the request has ended', async () => {
      const text = await stages();
      return text.includes('Refused') && text;
    });
    expect(said).toContain('Another source holds the point.');
    expect(said).toContain('cloud:enos');
    await tab.click('button', 'Close');
    const { body: device } = await site.simulator<{ values: { limit: number } }>('/devices/inv-04');
    expect(device.values.limit).toBeCloseTo(70, 5);
  });

  it('says that the link is lost while the product is away, and goes on without a new sign-in', async () => {
    await tab.page.$eval('[role=grid]', (grid) => grid.scrollTo(0, 0));
    await tab.picture('console-points');
    expect(tab.errors).toEqual([REFUSAL]);
    expect(await site.program('standalone').stop()).toBe(0);
    const text = await tab.untilText('No link to Busbar');
    expect(text).toContain('All values below are the last known ones.');
    const power = (await tab.rows()).find(({ asset, point }) => asset === 'inv-01' && point === 'INV.ActivePower');
    expect(power?.said).toContain('not current');
    site.program('standalone').start();
    await site.untilReady();
    await until('the bar is gone', async () => !(await tab.text()).includes('No link to Busbar'), 40_000);
    await moving('sourceTime');
    excused = tab.errors.length;
    await tab.page.reload();
    await tab.find('grid', 'Live values of the points');
    await moving('sourceTime');
  });

  it('speaks Chinese when asked, and remembers it', async () => {
    await tab.click('button', '中文');
    await tab.find('grid', '模型点实时值');
    await tab.page.reload();
    await tab.find('link', '连接');
    expect(await tab.page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
    await tab.click('button', 'EN');
    await tab.find('link', 'Connections');
  });

  it('had no error on its page but the lost link, and asked no other host', () => {
    const own = `127.0.0.1:${site.ports.http}`;
    const foreign = [...tab.asked].filter((url) => /^(https?|wss?):/.test(url) && new URL(url).host !== own);
    expect(foreign).toEqual([]);
    expect(tab.asked.size).toBeGreaterThan(10);
    const linkLost = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket/;
    expect(tab.errors.slice(1).filter((error) => !linkLost.test(error))).toEqual([]);
    expect(tab.errors.length).toBe(excused);
  });
});
