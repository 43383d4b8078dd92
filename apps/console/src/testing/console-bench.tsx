import type { PointRow, ServerMessage } from '@busbar/api-schema';
import { createTexts, type Display, DisplayProvider, LiveMachine } from '@busbar/ui';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { MemoryRouter, useLocation } from 'react-router-dom';
import { vi } from 'vitest';
import { LiveProvider } from '../live/live-context.js';
import en from '../texts/en.json' with { type: 'json' };
import zh from '../texts/zh.json' with { type: 'json' };

export const english: Display = { language: 'en', zone: 'UTC', t: createTexts({ en, zh }).of('en') };

export const powerLimit: PointRow = {
  path: 'inv-01/INV.PowerLimit',
  asset: 'inv-01',
  assetTitle: 'Inverter 1',
  model: 'inverter',
  point: {
    number: 4,
    id: 'INV.PowerLimit',
    title: 'Power limit',
    type: 'float',
    kind: 'AI',
    access: 'rw',
    unit: '%',
    range: [0, 100],
    quality: true,
  },
  control: { policy: 'power-limit', range: [10, 100], expiryMs: 30_000, maxExpiryMs: 300_000 },
};

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A page in the hand of the test: what the server answers, what the socket says, where the reader is. */
export function consoleBench(serve: (method: string, path: string, body: unknown) => Answer | 'no link') {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  const calls: { method: string; path: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    const call = {
      method: init.method ?? 'GET',
      path: url.replace('/api/v1', ''),
      body: init.body === undefined ? undefined : JSON.parse(String(init.body)),
    };
    calls.push(call);
    const answer = serve(call.method, call.path, call.body);
    if (answer === 'no link') throw new TypeError('fetch failed');
    return new Response(JSON.stringify(answer.body), { status: answer.status });
  });

  const sent: Record<string, unknown>[] = [];
  const port = {
    connect: () => undefined,
    disconnect: () => undefined,
    wake: () => undefined,
    send: (text: string) => sent.push(JSON.parse(text)),
  };
  const machine = new LiveMachine(port, { monotonicMs: () => 0, wallMs: () => 1_000_000 }, () => 0);
  machine.start();
  machine.socketOpened();
  machine.received(JSON.stringify({ t: 'hello', session: 's', clock: 1_000_000, generation: 14 }));

  const place = document.createElement('div');
  document.body.append(place);
  const root = createRoot(place);
  let at = '';
  const Place = () => {
    const { pathname, search } = useLocation();
    at = pathname + search;
    return null;
  };
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return {
    calls,
    sent,
    machine,
    queries,
    where: () => at,
    text: () => document.body.textContent ?? '',
    async show(node: ReactNode, start = '/') {
      await act(async () =>
        root.render(
          <QueryClientProvider client={queries}>
            <DisplayProvider value={english}>
              <MemoryRouter initialEntries={[start]}>
                <Place />
                <LiveProvider machine={machine}>{node}</LiveProvider>
              </MemoryRouter>
            </DisplayProvider>
          </QueryClientProvider>,
        ),
      );
    },
    async say(message: ServerMessage) {
      await act(async () => machine.received(JSON.stringify(message)));
    },
    async cut() {
      await act(async () => machine.socketClosed(1006));
    },
    /** The id under which the page opened this kind last. */
    idOf(kind: string): number {
      const open = sent.findLast((message) => message.t === 'open' && message.kind === kind);
      return Number(open?.id);
    },
    async press(name: string) {
      const button = [...document.querySelectorAll('button')].find((one) => one.textContent === name);
      if (button === undefined) throw new Error(`no button ${name} in: ${document.body.textContent}`);
      await act(async () => button.click());
    },
    async type(input: HTMLInputElement, text: string) {
      await act(async () => {
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, text);
        input.dispatchEvent(new Event('input', { bubbles: true }));
      });
    },
    end() {
      act(() => root.unmount());
      queries.clear();
      document.body.replaceChildren();
      vi.unstubAllGlobals();
    },
  };
}
