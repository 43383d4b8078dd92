import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { root } from './program.js';
import { until } from './until.js';

/** The browser of the machine, or undefined. */
export const chromium = [process.env.BUSBAR_TEST_CHROMIUM ?? '', '/usr/bin/chromium'].find((path) => existsSync(path));

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** One row of the live table, as a person reads it. */
export interface ShownRow {
  readonly asset: string;
  readonly point: string;
  readonly value: string;
  /** What a screen reader says of the value. */
  readonly said: string;
  readonly sourceTime: string;
}

/** A tab with the console, found by roles and words alone; notes what a person would never see. */
export class ConsolePage {
  readonly page: Page;
  readonly #browser: Browser;
  readonly #folder: string;
  /** Errors of the page, in order. */
  readonly errors: string[] = [];
  /** Addresses that the page asked. */
  readonly asked = new Set<string>();

  private constructor(browser: Browser, page: Page, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('request', (request) => this.asked.add(request.url()));
  }

  static async open(): Promise<ConsolePage> {
    if (!chromium) throw new Error('no Chromium');
    const folder = mkdtempSync(join(tmpdir(), 'busbar-chromium-'));
    const browser = await puppeteer.launch({
      executablePath: chromium,
      userDataDir: folder,
      args: [...FLAGS, '--lang=en-US'],
      defaultViewport: { width: 1400, height: 900 },
    });
    const page = (await browser.pages())[0] ?? (await browser.newPage());
    return new ConsolePage(browser, page, folder);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Waits for what has this role and this accessible name. */
  async find(role: string, name: string) {
    const found = await this.page.waitForSelector(`::-p-aria([name="${name}"][role="${role}"])`, { timeout: 15_000 });
    if (!found) throw new Error(`no ${role} "${name}"`);
    return found;
  }

  async click(role: string, name: string): Promise<void> {
    const found = await this.find(role, name);
    await found.click();
    await found.dispose();
  }

  /** All words of the page. */
  text(): Promise<string> {
    return this.page.evaluate(() => document.body.innerText);
  }

  untilText(what: string | RegExp, timeoutMs = 15_000): Promise<string> {
    return until(
      `the page says ${what}`,
      async () => {
        const text = await this.text();
        return (typeof what === 'string' ? text.includes(what) : what.test(text)) && text;
      },
      timeoutMs,
    );
  }

  /** The words of everything with this role, in order. */
  textsOf(role: string): Promise<string[]> {
    return this.page.$$eval(`[role=${role}]`, (list) => list.map((one) => one.textContent ?? ''));
  }

  /** The rows of the live table that are drawn. */
  rows(): Promise<ShownRow[]> {
    return this.page.$$eval('[role=grid] [role=row]', (list) =>
      list.flatMap((row) => {
        const [asset, point, value, _unit, _quality, time] = row.querySelectorAll('[role=gridcell]');
        if (!asset || !point || !value || row.classList.contains('unknown')) return [];
        const id = (cell: Element) => cell.querySelector('small')?.textContent ?? cell.textContent ?? '';
        const said = value.getAttribute('aria-label') ?? '';
        const sourceTime = time?.textContent ?? '';
        return [{ asset: id(asset), point: id(point), value: value.textContent ?? '', said, sourceTime }];
      }),
    );
  }

  /** Clicks into the row of a point: on its name, or on the cell with these words. */
  async clickRow(asset: string, point: string, words?: string): Promise<void> {
    const element = await until(`there is a row of ${asset}/${point}${words ? ` with "${words}"` : ''}`, async () => {
      const cell = await this.#cell(asset, point, words ?? null);
      return cell.asElement() ?? undefined;
    });
    await (element as Awaited<ReturnType<ConsolePage['find']>>).click();
    await element.dispose();
  }

  /** Writes docs/images/<name>.png when pictures are asked for. */
  async picture(name: string): Promise<void> {
    if (!process.env.BUSBAR_UPDATE_SCREENSHOTS) return;
    const folder = join(root, 'docs', 'images');
    mkdirSync(folder, { recursive: true });
    // Nothing under the pointer, no caret.
    await this.page.mouse.move(700, 2);
    await this.page.screenshot({ path: join(folder, `${name}.png`) as `${string}.png` });
  }

  #cell(asset: string, point: string, words: string | null) {
    return this.page.evaluateHandle(
      (wanted, other, text) => {
        const ends = (cell: Element | undefined, id: string) =>
          (cell?.querySelector('small')?.textContent ?? cell?.textContent) === id;
        for (const row of document.querySelectorAll('[role=grid] [role=row]')) {
          const cells = [...row.querySelectorAll('[role=gridcell]')];
          if (!ends(cells[0], wanted) || !ends(cells[1], other)) continue;
          return (text === null ? cells[1] : cells.find((one) => one.textContent === text)) ?? null;
        }
        return null;
      },
      asset,
      point,
      words,
    );
  }
}
