import { beforeEach, describe, expect, it } from 'vitest';
import { isPassing, KafkaTrouble } from './kafka-trouble.js';

const AWAY = Object.assign(new Error('connect refused'), { name: 'KafkaJSConnectionError', retriable: true });
const FORBIDDEN = Object.assign(new Error('not authorized'), { retriable: false });

describe('what is said of trouble with Kafka', () => {
  let lines: string[];
  let nowMs: number;
  let trouble: KafkaTrouble;

  beforeEach(() => {
    lines = [];
    nowMs = 0;
    const say = (level: string) => (fields: object, message: string) =>
      void lines.push(`${level} ${message}${'err' in fields ? ' with its stack' : ''}`);
    trouble = new KafkaTrouble({
      log: { info: say('info'), warn: say('warn'), error: say('error') },
      clock: { monotonicMs: () => nowMs, wallMs: () => nowMs },
      fields: {},
      begun: 'lost',
      over: 'back',
    });
  });

  it('is nothing of what passes soon, as at a first start', () => {
    trouble.tell(AWAY);
    nowMs = 2_900;
    trouble.tell(AWAY);
    trouble.over();
    nowMs = 10_000;
    trouble.tell(AWAY);
    trouble.over();
    expect(lines).toEqual([]);
  });

  it('is one line when it lasts and one when it is over, however often it is tried', () => {
    for (; nowMs < 60_000; nowMs += 500) trouble.tell(AWAY);
    for (let i = 0; i < 5; i++) trouble.over();
    expect(lines).toEqual(['info lost', 'info back']);
  });

  it('is loud and at once for what does not pass by itself, once for each reason', () => {
    for (let i = 0; i < 5; i++) trouble.tell(FORBIDDEN);
    trouble.tell(new TypeError('a defect'));
    trouble.tell(AWAY);
    trouble.over();
    expect(lines).toEqual(['warn lost with its stack', 'warn lost with its stack', 'info back']);
  });

  it('looks for the kind of an error down to its first cause', () => {
    const wrapped = Object.assign(new Error('retries exceeded'), { retriable: false, cause: AWAY });
    expect(isPassing(wrapped)).toBe(true);
    expect(isPassing(Object.assign(new Error('wrapped'), { cause: FORBIDDEN }))).toBe(false);
    expect(isPassing(Object.assign(new Error('none'), { name: 'KafkaJSNoBrokerAvailableError' }))).toBe(true);
    expect([undefined, null, 'text', new Error('plain')].some(isPassing)).toBe(false);
  });
});
