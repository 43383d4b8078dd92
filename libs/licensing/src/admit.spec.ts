import type { EntitlementLimits, LicenseState } from '@busbar/events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit, demandsOf, type Entitling, exceededDiagnosis, type LicenseDemand } from './admit.js';

const tight: EntitlementLimits = { protocols: ['modbus'], connections: 2, tags: 100, forwarding: 1 };
const open: EntitlementLimits = { protocols: null, connections: null, tags: null, forwarding: null };

function entitling(state: LicenseState, limits: EntitlementLimits = tight): Entitling {
  return { state, limits, license: { id: 'L-1' } };
}

function line(id: string, tags = 10, protocol = 'modbus'): LicenseDemand {
  return { id, kind: 'access', protocol, tags };
}

function master(id: string): LicenseDemand {
  return { id, kind: 'forwarding', protocol: 'modbus', tags: 0 };
}

function outcome(given: Entitling, running: LicenseDemand[], wanted: LicenseDemand[]) {
  const { admitted, refused } = admit(given, running, wanted);
  const why = Object.fromEntries([...refused].map(([id, { code }]) => [id, code]));
  return { admitted: admitted.map(({ id }) => id), why };
}

describe('what is new', () => {
  it('is let in by id while there is room; the rest is refused with the reason', () => {
    const wanted = [line('c'), line('a'), line('b'), line('x', 1, 'iec104')];
    expect(outcome(entitling('valid'), [], wanted)).toEqual({
      admitted: ['a', 'b'],
      why: { c: 'LICENSE_CONNECTIONS', x: 'LICENSE_PROTOCOL' },
    });
  });

  it('that has too many tags leaves its room to a smaller one', () => {
    const { refused } = admit(entitling('valid'), [], [line('a', 90), line('b', 11), line('c', 10)]);
    expect([...refused]).toEqual([
      ['b', { code: 'LICENSE_TAGS', params: { connection: 'b', tags: 11, granted: 100, used: 90 } }],
    ]);
  });

  it('of forwarding counts apart', () => {
    expect(outcome(entitling('valid'), [], [line('a'), line('b'), master('m1'), master('m2')])).toEqual({
      admitted: ['a', 'b', 'm1'],
      why: { m2: 'LICENSE_FORWARDING' },
    });
  });

  it('is let in without bounds where nothing is limited', () => {
    const wanted = Array.from({ length: 3_000 }, (_, n) => line(`c${n}`, 1_000));
    expect(admit(entitling('valid', open), [], wanted).refused.size).toBe(0);
  });

  it('is let in within the grace period, and refused after it', () => {
    expect(outcome(entitling('grace'), [line('a')], [line('a'), line('b')]).why).toEqual({});
    expect(outcome(entitling('expired'), [line('a')], [line('a'), line('b')])).toEqual({
      admitted: ['a'],
      why: { b: 'LICENSE_ENDED' },
    });
  });
});

describe('what runs', () => {
  it('comes before what is new, whatever its id', () => {
    expect(outcome(entitling('valid'), [line('y'), line('z')], [line('a'), line('y'), line('z')])).toEqual({
      admitted: ['y', 'z'],
      why: { a: 'LICENSE_CONNECTIONS' },
    });
  });

  it('goes on under a license that grants less, or another protocol', () => {
    const running = [line('a'), line('b'), line('c', 500, 'iec104')];
    for (const state of ['valid', 'grace', 'expired', 'evaluation', 'refused'] as const) {
      expect(outcome(entitling(state), running, running)).toEqual({ admitted: ['a', 'b', 'c'], why: {} });
    }
  });

  it('and grows has to fit like new; when it does not, going back to what it had is always allowed', () => {
    const running = [line('a', 50), line('b', 40)];
    const grown = admit(entitling('valid'), running, [line('a', 61), line('b', 40)]);
    expect([...grown.refused.keys()]).toEqual(['a']);
    expect(grown.admitted).toEqual(running);
    expect(outcome(entitling('valid'), [...grown.admitted], running).why).toEqual({});
    expect(outcome(entitling('valid'), running, [line('a', 60), line('b', 40)]).why).toEqual({});
    expect(outcome(entitling('expired'), running, [line('a', 51), line('b', 40)]).why).toEqual({ a: 'LICENSE_ENDED' });
  });

  it('under another protocol is new', () => {
    expect(outcome(entitling('valid'), [line('a')], [line('a', 1, 'iec104')]).why).toEqual({ a: 'LICENSE_PROTOCOL' });
  });

  it('makes room when it is taken out while the license lives', () => {
    const admission = admit(entitling('valid'), [line('a', 90), line('b')], [line('a', 20), line('c', 80)]);
    expect(admission.admitted.map(({ id, tags }) => [id, tags])).toEqual([
      ['a', 20],
      ['c', 80],
    ]);
  });

  it('is remembered after the end, so that a generation that is rolled back runs as before', () => {
    const running = [line('a', 50), line('b', 40)];
    const without = admit(entitling('expired'), running, [line('a', 10)]);
    expect(without.admitted).toEqual(running);
    expect(outcome(entitling('expired'), [...without.admitted], running)).toEqual({ admitted: ['a', 'b'], why: {} });
  });
});

const states = fc.constantFrom<LicenseState>('evaluation', 'valid', 'grace', 'expired', 'refused');
const limits = fc.record({
  protocols: fc.constantFrom<string[] | null>(null, ['modbus'], ['iec104']),
  connections: fc.option(fc.nat(6)),
  tags: fc.option(fc.nat(60)),
  forwarding: fc.option(fc.nat(2)),
});
const demands = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom(...'abcdefgh'),
    kind: fc.constantFrom<'access' | 'forwarding'>('access', 'forwarding'),
    protocol: fc.constantFrom('modbus', 'iec104'),
    tags: fc.nat(30),
  }),
  { selector: ({ id }) => id },
);

describe('admission', () => {
  it('is the same when it is made again: every process and every restart agrees', () => {
    fc.assert(
      fc.property(states, limits, demands, demands, (state, given, running, wanted) => {
        const first = admit(entitling(state, given), running, wanted);
        const again = admit(entitling(state, given), first.admitted, wanted);
        expect(again.admitted).toEqual(first.admitted);
        expect([...again.refused.keys()].sort()).toEqual([...first.refused.keys()].sort());
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not depend on the order in which connections are configured', () => {
    fc.assert(
      fc.property(states, limits, demands, demands, (state, given, running, wanted) => {
        const there = admit(entitling(state, given), running, wanted);
        const back = admit(entitling(state, given), running, [...wanted].reverse());
        expect(back).toEqual(there);
      }),
    );
  });

  it('never stops what asks for no more than before, and never lets new things go beyond the limits', () => {
    fc.assert(
      fc.property(states, limits, demands, demands, (state, given, running, wanted) => {
        const { admitted, refused, usage } = admit(entitling(state, given), running, wanted);
        for (const { id } of wanted) {
          const before = running.find((held) => held.id === id);
          const now = wanted.find((demand) => demand.id === id);
          const isSame = before?.kind === now?.kind && before?.protocol === now?.protocol;
          if (before && isSame && (now?.tags ?? 0) <= before.tags) expect(refused.has(id)).toBe(false);
        }
        const isMore = admitted.some(({ id, tags }) => tags > (running.find((held) => held.id === id)?.tags ?? -1));
        if (isMore) expect(usage.tags <= (given.tags ?? Number.POSITIVE_INFINITY) || usage.forwarding > 0).toBe(true);
        if (state === 'expired') expect(admitted.map(({ id }) => id)).toEqual(running.map(({ id }) => id));
      }),
      { numRuns: 2_000 },
    );
  });

  it('says when more runs than is granted', () => {
    const running = [line('a'), line('b'), line('c')];
    const { usage } = admit(entitling('valid'), running, running);
    expect(exceededDiagnosis(entitling('valid'), usage)?.params).toMatchObject({
      connections: 3,
      grantedConnections: 2,
    });
    expect(exceededDiagnosis(entitling('valid', open), usage)).toBeNull();
    const foreign = { ...open, protocols: ['iec104'] };
    expect(exceededDiagnosis(entitling('valid', foreign), usage)?.params).toMatchObject({
      protocols: 'modbus',
      grantedProtocols: 'iec104',
      grantedTags: '∞',
    });
  });
});

describe('the configuration', () => {
  it('asks for its connections to devices, with the tags of the devices that are enabled; uploads are free', () => {
    const device = (table: string, enabled: boolean) => ({ table, enabled });
    const configuration = {
      tables: [
        { digest: 'aa', tags: Array(7).fill({}) },
        { digest: 'bb', tags: Array(5).fill({}) },
      ],
      connections: [
        {
          kind: 'access',
          id: 'line',
          driver: 'modbus',
          devices: [device('aa', true), device('aa', true), device('bb', false)],
        },
        { kind: 'sink', id: 'cloud' },
        { kind: 'forwarding', id: 'dispatch', server: 'modbus' },
      ],
    };
    expect(demandsOf(configuration)).toEqual([line('line', 14), master('dispatch')]);
  });
});
