// @vitest-environment happy-dom
import { bad, GOOD } from '@busbar/model';
import { act, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RequestChain } from './control/request-chain.js';
import { diagnosisWords } from './diagnosis.js';
import { type Display, DisplayProvider } from './display.js';
import { HealthBadge } from './health-badge.js';
import { Loading, Notice } from './notice.js';
import { QualityBadge } from './quality-badge.js';
import { createTexts } from './texts/create-texts.js';
import { Trend } from './trend/trend.js';
import { ValueCell } from './value-cell.js';

const texts = createTexts({ en: {}, zh: {} });
const english: Display = { language: 'en', zone: 'UTC', t: texts.of('en') };
const chinese: Display = { language: 'zh', zone: 'UTC', t: texts.of('zh') };
const point = {
  number: 1,
  id: 'P',
  title: 'P',
  type: 'float',
  kind: 'AI',
  access: 'r',
  unit: 'kW',
  quality: true,
} as const;

let place: HTMLElement;
let root: Root;
beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  place = document.createElement('div');
  document.body.append(place);
  root = createRoot(place);
});
afterEach(() => {
  act(() => root.unmount());
  place.remove();
  vi.useRealTimers();
});
const show = (node: ReactNode, display = english) =>
  act(() => root.render(<DisplayProvider value={display}>{node}</DisplayProvider>));

describe('components', () => {
  it('QualityBadge says nothing when good, else shape and word', () => {
    show(<QualityBadge quality={GOOD} />);
    expect(place.textContent).toBe('');
    show(<QualityBadge quality={bad('not-connected')} />, chinese);
    expect(place.textContent).toBe('坏：未连接');
    expect(place.querySelector('.bb-shape.bad')).not.toBeNull();
  });

  it('HealthBadge words a state', () => {
    show(<HealthBadge state="degraded" />);
    expect(place.textContent).toBe('degraded');
    expect(place.querySelector('.bb-shape.uncertain')).not.toBeNull();
  });

  it('ValueCell shows a bad value as missing, with a label for those who hear', () => {
    const cell = { value: 5, quality: bad('device'), sourceTime: 1000, lastGood: null, held: false };
    show(<ValueCell cell={cell} point={point} now={2000} offline={false} />);
    expect(place.textContent).toBe('-- kW');
    expect(place.querySelector('[aria-label]')?.getAttribute('aria-label')).toBe('-- kW, bad: device, 1.0 s ago');
  });

  it('Notice is an alert only for an error, and folds what is for experts', () => {
    show(<Notice kind="error" message="Broken." hint="Repair." details="CODE" />);
    expect(place.querySelector('[role=alert]')?.textContent).toContain('Repair.');
    expect(place.querySelector('details')?.open).toBe(false);
    show(<Notice kind="empty" message="Nothing yet." />);
    expect(place.querySelector('[role=alert]')).toBeNull();
    expect(place.querySelector('[role=status]')).not.toBeNull();
  });

  it('Loading shows nothing before 150 ms', () => {
    vi.useFakeTimers();
    show(<Loading />);
    expect(place.textContent + place.innerHTML).toBe('');
    act(() => vi.advanceTimersByTime(150));
    expect(place.querySelector('[role=status]')).not.toBeNull();
  });

  it('RequestChain gives an unknown end its own shape and no way to repeat', () => {
    const request = {
      id: 'a',
      request: '01J',
      source: 'operator',
      who: 'admin',
      items: [{ point: 'x/P', value: 60 }],
      expiresAt: 9,
      connection: null,
      stages: [
        { stage: 'requested' as const, at: 0 },
        { stage: 'granted' as const, at: 2 },
        { stage: 'started' as const, at: 3 },
        { stage: 'ended' as const, at: 5000 },
      ],
      results: [{ point: 'x/P', outcome: 'unknown' as const }],
      end: { kind: 'unknown' as const, reason: 'NO_ANSWER' as const },
    };
    show(<RequestChain request={request} wordValue={String} />);
    expect(place.querySelectorAll('li')).toHaveLength(5);
    expect(place.querySelector('.bb-shape.unknown')).not.toBeNull();
    expect(place.querySelector('.bb-shape.bad')).toBeNull();
    expect(place.querySelector('button')).toBeNull();
    expect(place.textContent).toContain('after 5.000 s');
  });

  it('Trend is a table on request, newest first', () => {
    const samples = { times: [1000, 2000], values: [5, null], quality: [GOOD, bad('device')] };
    show(<Trend samples={samples} point={point} from={0} to={3000} asTable />);
    const rows = [...place.querySelectorAll('tbody tr')].map((row) => row.textContent);
    expect(rows).toEqual(['00:00:02.000-- kWbad: device', '00:00:01.0005.000 kWgood']);
  });

  it('Trend reads its newest value out where there is no canvas', () => {
    vi.stubGlobal(
      'ResizeObserver',
      class {
        observe() {}
        disconnect() {}
      },
    );
    show(<Trend samples={{ times: [1000], values: [5], quality: [GOOD] }} point={point} from={0} to={3000} />);
    expect(place.querySelector('output')?.textContent).toContain('5.000 kW');
  });
});

describe('diagnosisWords', () => {
  const diagnosis = { code: 'DEVICE_SILENT', params: { device: 'inv-03', others: 3 } };
  it('words a diagnosis in the language of the reader', () => {
    expect(diagnosisWords(diagnosis, english).sentence).toBe('Device inv-03 does not answer; 3 others on the link do.');
    expect(diagnosisWords(diagnosis, chinese).sentence).toBe('设备 inv-03 没有应答；该链路上其他 3 台正常。');
  });
  it('shows the code itself when it is of a newer version', () => {
    expect(diagnosisWords({ code: 'NEW_CODE', params: {} }, english)).toEqual({ sentence: 'NEW_CODE', fix: '' });
  });
});
