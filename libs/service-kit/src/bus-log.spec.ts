import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tellBus } from './bus-log.js';
import { FakeBus } from './testing/fake-bus.js';

const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const LOST = { code: 'BUS_UNREACHABLE', params: { brokers: 'a:9092' } } as const;

let bus: FakeBus;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  bus = new FakeBus();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe('the log of a service', () => {
  it('says once that the bus is lost, why, and that it is back', () => {
    stop = tellBus(bus, log as never);
    bus.turn(LOST);
    bus.turn(LOST);
    expect(log.warn.mock.calls).toEqual([[{ diagnosis: LOST }, 'bus lost']]);
    bus.turn(null);
    expect(log.info.mock.calls).toEqual([['bus is back']]);
  });

  it('says nothing of a bus that is only slow to start', () => {
    bus.turn(LOST);
    stop = tellBus(bus, log as never);
    bus.turn(LOST);
    bus.turn(null);
    vi.advanceTimersByTime(60_000);
    expect(log.warn).not.toHaveBeenCalled();
    expect(log.info).not.toHaveBeenCalled();
  });

  it('says of a bus that does not come at all that it is lost', () => {
    bus.turn(LOST);
    stop = tellBus(bus, log as never);
    vi.advanceTimersByTime(60_000);
    expect(log.warn).toHaveBeenCalledTimes(1);
    bus.turn(null);
    expect(log.info).toHaveBeenCalledTimes(1);
  });
});
