import type { CommandAnswer, SinkCommand } from '@busbar/sink-sdk';
import { POINTS } from '@busbar/sink-testkit';
import { describe, expect, it } from 'vitest';
import { Commands } from './commands.js';

const TOPIC = '/sys/pkInv/sd1/thing/service/measurepoint/set';
const asset = { asset: 'inv-01', title: '', model: 'inverter', identity: {} };
const device = { asset, productKey: 'pkInv', deviceKey: 'sd1', deviceSecret: '' };

function desk(options: { withControl?: boolean } = {}) {
  const commands: SinkCommand[] = [];
  const answers: { id: string | number; code: number }[] = [];
  const ends: ((answer: CommandAnswer) => void)[] = [];
  const time = { now: 0 };
  const made = new Commands({
    clock: { monotonicMs: () => time.now, wallMs: () => time.now },
    who: 'EnOS',
    points: () => POINTS,
    device: (productKey, deviceKey) => (productKey === 'pkInv' && deviceKey === 'sd1' ? device : undefined),
    reply: (topic, payload) => {
      expect(topic).toBe(`${TOPIC}_reply`);
      answers.push(JSON.parse(payload));
    },
    command:
      options.withControl === false
        ? undefined
        : (command) => {
            commands.push(command);
            return new Promise((resolve) => ends.push(resolve));
          },
  });
  const take = (envelope: unknown, retained = false, topic = TOPIC) =>
    made.take(topic, new TextEncoder().encode(JSON.stringify(envelope)), retained);
  const end = async (code: number) => {
    ends.shift()?.({ code, message: '', data: {} });
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { commands, answers, time, take, end, codes: () => answers.map((answer) => answer.code) };
}

describe('commands from EnOS', () => {
  it('are passed on with device, id and values, and answered when they end', async () => {
    const { take, end, commands, answers } = desk();
    take({ id: '1073741824', params: { limit: 40, enabled: '1' } });
    expect(answers).toEqual([]);
    await end(200);
    expect(commands).toEqual([
      {
        externalId: 'pkInv/sd1/1073741824',
        asset: 'inv-01',
        who: 'EnOS',
        values: [
          { point: 'limit', value: 40 },
          { point: 'enabled', value: true },
        ],
      },
    ]);
    expect(answers).toEqual([{ id: '1073741824', code: 200, message: '', data: {} }]);
  });

  it('are one command while open and for 60 s after their end, then a new one', async () => {
    const { take, end, commands, codes, time } = desk();
    const command = { id: '7', params: { limit: 40 } };
    take(command);
    take(command);
    await end(2105);
    time.now = 60_000;
    take(command);
    expect(commands).toHaveLength(1);
    expect(codes()).toEqual([2105, 2105]);
    time.now = 60_001;
    take(command);
    expect(commands).toHaveLength(2);
  });

  it('are refused when an id comes back with other content', () => {
    const { take, commands, codes } = desk();
    take({ id: '7', params: { limit: 40 } });
    take({ id: '7', params: { limit: 50 } });
    expect(commands).toHaveLength(1);
    expect(codes()).toEqual([2106]);
  });

  it.each([
    ['retained', { id: '1', params: { limit: 1 } }, { retained: true }, 2106],
    ['for an unknown device', { id: '1', params: { limit: 1 } }, { topic: TOPIC.replace('sd1', 'sd2') }, 2101],
    ['without a value', { id: '1', params: { limit: null } }, {}, 2104],
    ['with a list as value', { id: '1', params: { limit: [1] } }, {}, 2104],
    ['without a point', { id: '1', params: {} }, {}, 2104],
    ['with params that are a list', { id: '1', params: ['limit'] }, {}, 2104],
    ['for a service that is not offered', { id: '1', params: {} }, { topic: TOPIC.replace('set', 'get') }, 1101],
  ])('are refused when %s', (_name, envelope, how: { retained?: boolean; topic?: string }, code) => {
    const answers: { code: number }[] = [];
    const made = new Commands({
      clock: { monotonicMs: () => 0, wallMs: () => 0 },
      who: 'EnOS',
      points: () => POINTS,
      device: (_productKey, deviceKey) => (deviceKey === 'sd1' ? device : undefined),
      reply: (_topic, payload) => answers.push(JSON.parse(payload)),
      command: () => Promise.reject(new Error('must not be passed on')),
    });
    made.take(how.topic ?? TOPIC, new TextEncoder().encode(JSON.stringify(envelope)), how.retained ?? false);
    expect(answers.map((answer) => answer.code)).toEqual([code]);
  });

  it('are refused when control is off', () => {
    const { take, codes } = desk({ withControl: false });
    take({ id: '1', params: { limit: 1 } });
    expect(codes()).toEqual([2103]);
  });

  it('without an id, or that are no JSON, are ignored', () => {
    const { take, codes, commands } = desk();
    take({ params: { limit: 1 } });
    take('text');
    take({ id: {}, params: { limit: 1 } });
    expect(commands).toEqual([]);
    expect(codes()).toEqual([]);
  });

  it('never take a reply of a device for a command', () => {
    const { take, codes, commands } = desk();
    take({ id: '1', code: 200, params: { limit: 1 } }, false, `${TOPIC}_reply`);
    expect(commands).toEqual([]);
    expect(codes()).toEqual([]);
  });

  it('are bounded: beyond 1000 open ones the next is refused', () => {
    const { take, codes, commands } = desk();
    for (let i = 0; i < 1001; i++) take({ id: String(i), params: { limit: i } });
    expect(commands).toHaveLength(1000);
    expect(codes()).toEqual([2112]);
  });
});
