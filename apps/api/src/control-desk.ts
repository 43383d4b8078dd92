import { setTimeout as delay } from 'node:timers/promises';
import type { ControlAsk, RequestView } from '@busbar/api-schema';
import { BusbarError } from '@busbar/errors';
import type { ControlRequest } from '@busbar/events';
import type { ControlEntry } from '@busbar/service-kit';
import type { Caller } from './access.js';
import type { RequestViews } from './request-views.js';

export const OPERATOR = 'operator';
/** IEC 61850-7-3 orCat: an operator at the station. */
const STATION = 2;
/** A bus that has not told the past of the control topics by then counts as away. */
const READY_MS = 5_000;

/** Takes control requests of people and programs, and waits for their ends. Decides nothing: the arbiter does. */
export class ControlDesk {
  readonly #entry: Pick<ControlEntry, 'submit'>;
  readonly #views: RequestViews;
  readonly #site: () => string;
  readonly #stopping = new AbortController();

  constructor(entry: Pick<ControlEntry, 'submit'>, views: RequestViews, site: () => string) {
    this.#entry = entry;
    this.#views = views;
    this.#site = site;
  }

  /** Who still waits hears how it stands. */
  stop(): void {
    this.#stopping.abort();
  }

  /**
   * The request's view, with its end if that came within `waitMs`. The same id with the same content is the same
   * request; with another content the arbiter refuses it. CONTROL_NO_BUS if the bus does not take it.
   */
  async ask(ask: ControlAsk, caller: Caller, waitMs: number): Promise<RequestView> {
    await this.#viewsReady();
    const known = this.#views.find(OPERATOR, ask.id);
    const ulid = known && isSame(known.request, ask) ? known.request.id : await this.#submit(ask, caller);
    return (await this.#views.ended(ulid, waitMs, this.#stopping.signal)) as RequestView;
  }

  /** Without the past nobody can tell whether this id was used: then nothing is asked. */
  async #viewsReady(): Promise<void> {
    const timer = new AbortController();
    const late = delay(READY_MS, 'late', { signal: timer.signal }).catch(() => 'ready');
    const first = await Promise.race([this.#views.ready, late]);
    timer.abort();
    if (first === 'late') throw new BusbarError('CONTROL_NO_BUS');
  }

  async #submit(ask: ControlAsk, caller: Caller): Promise<string> {
    const { request } = await this.#entry.submit(
      {
        origin: {
          source: OPERATOR,
          kind: 'operator',
          category: STATION,
          who: caller.who,
          link: caller.link,
          externalId: ask.id,
        },
        items: [{ point: ask.point, value: ask.value }],
        expiresInMs: ask.expiresMs,
        holdMs: ask.holdMs,
        dryRun: ask.dryRun,
      },
      this.#site(),
    );
    this.#views.add(request);
    return request.id;
  }
}

function isSame(request: ControlRequest, ask: ControlAsk): boolean {
  const [item] = request.items;
  return (
    request.items.length === 1 &&
    item?.point === ask.point &&
    item.value === ask.value &&
    request.holdMs === ask.holdMs &&
    request.dryRun === (ask.dryRun ?? false)
  );
}
