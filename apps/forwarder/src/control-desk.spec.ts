import { BusbarError } from '@busbar/errors';
import type { End } from '@busbar/events';
import type { ControlEntry, Logger } from '@busbar/service-kit';
import { describe, expect, it, vi } from 'vitest';
import { ControlDesk } from './control-desk.js';
import type { ForwardTarget } from './forward-target.js';
import { joinedPlan } from './test-plan.js';

const EXECUTED: End = { kind: 'executed', verified: true, written: true, clamped: false };
const target = {
  connection: 'dispatch',
  site: 'demo',
  plan: joinedPlan('a/power', 'a/limit').plan,
  clients: [{ name: 'center', addresses: [], group: 'g', control: true, source: 'west' }],
} as unknown as ForwardTarget;
const wish = { act: 'operate', client: 'center', link: 'l1', items: [{ slot: 1, value: 50 }], isTest: false } as const;

function deskWith(submit: ControlEntry['submit']) {
  const lost: string[] = [];
  const entry = {
    submit,
    externalOrigin: (client: object) => ({ ...client, link: 'unique' }),
    linkLost: (link: string) => void lost.push(link),
  } as unknown as ControlEntry;
  const log = { error: () => undefined } as unknown as Logger;
  return { port: new ControlDesk(entry, log).portOf(() => target), lost };
}

describe('the command of a master', () => {
  it('asks for the points of its addresses, by the source of its client', async () => {
    const asked: unknown[] = [];
    const { port } = deskWith(async (given, site) => {
      asked.push({ given, site });
      const ended = Promise.resolve({ end: EXECUTED, items: [] });
      return { request: {} as never, decided: Promise.resolve({ kind: 'granted' }), ended };
    });
    const { decided, ended } = port.submit({ ...wish, sourceMs: 5, qualifier: 'C_SE_NC 0' });
    expect(await decided).toEqual({ kind: 'granted' });
    expect(await ended).toEqual(EXECUTED);
    expect(asked).toMatchObject([
      {
        site: 'demo',
        given: {
          act: 'operate',
          items: [{ point: 'a/limit', value: 50, qualifier: 'C_SE_NC 0' }],
          origin: { source: 'west', client: 'center' },
          sourceAt: 5,
          dryRun: false,
        },
      },
    ]);
  });

  it('is unanswered, and certainly not carried out, when the bus does not take it', async () => {
    const { port } = deskWith(async () => {
      throw new BusbarError('CONTROL_NO_BUS');
    });
    const { decided, ended } = port.submit(wish);
    expect(await decided).toEqual({ kind: 'unanswered' });
    expect(await ended).toMatchObject({ kind: 'refused', rule: 'RESTARTED' });
  });

  it('that waits behind another write is pending at the limit, not refused', async () => {
    vi.useFakeTimers();
    try {
      const never = new Promise<never>(() => undefined);
      const { port } = deskWith(async () => ({ request: {} as never, decided: never, ended: never }));
      const { decided } = port.submit(wish);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await decided).toEqual({ kind: 'pending' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('that is refused says by which rule', async () => {
    const end: End = { kind: 'refused', rule: 'HELD', also: [], facts: [] };
    const { port } = deskWith(async () => ({
      request: {} as never,
      decided: Promise.resolve(end),
      ended: Promise.resolve({ end, items: [] }),
    }));
    expect(await port.submit(wish).decided).toEqual({ kind: 'refused', rule: 'HELD' });
  });

  it('ends its selections with its link', () => {
    const { port, lost } = deskWith(async () => new Promise(() => undefined));
    port.linkLost('l1');
    expect(lost).toEqual(['unique']);
  });
});
