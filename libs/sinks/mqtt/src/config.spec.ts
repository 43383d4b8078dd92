import { type AnySink, sinkCheck } from '@busbar/sink-sdk';
import { TestHost } from '@busbar/sink-testkit';
import { describe, expect, it } from 'vitest';
import { mqttTarget } from './simulator/mqtt-target.js';
import mqttSink from './sink.js';

const check = sinkCheck(mqttSink as unknown as AnySink);

function reasons(options: unknown): string[] {
  const result = check.config.parse(options);
  return 'problems' in result ? result.problems.map((problem) => `${problem.path.join('.')}: ${problem.reason}`) : [];
}

describe('the configuration of an MQTT sink', () => {
  it('needs an address only, and fills in the rest', () => {
    const result = check.config.parse({ url: 'mqtt://127.0.0.1:1883' });
    expect('value' in result && result.value).toEqual({
      url: 'mqtt://127.0.0.1:1883',
      topic: 'plants/$site/$asset',
      qos: 1,
      clientId: 'busbar-$site-$sink',
      keepalive: 60_000,
      timeout: 30_000,
    });
  });

  it('refuses what it cannot keep, and says why', () => {
    expect(reasons({ url: 'mqtts://broker:8883' })[0]).toContain('TLS');
    expect(reasons({ url: 'mqtt://user:pass@broker' })[0]).toContain('user and password');
    expect(reasons({ url: 'broker:1883' })[0]).toContain('expected mqtt://host:port');
    expect(reasons({ url: 'mqtt://b', topic: 'a/#' })[0]).toContain('no +');
    expect(reasons({ url: 'mqtt://b', topic: '$point' })[0]).toContain('$point is not known');
    expect(reasons({ url: 'mqtt://b', qos: 3 })).toHaveLength(1);
    expect(reasons({ url: 'mqtt://b', keepalive: '1s' })[0]).toContain('a duration');
    expect(reasons({ url: 'mqtt://b', password: 'river' })[0]).toContain('secret:');
  });

  it('says that the broker does not let it in', async () => {
    const target = await mqttTarget.start();
    const context = new TestHost(target).context(mqttSink.config.parse(target.config));
    const wrong = { ...context, secret: async () => 'wrong' };
    await expect(mqttSink.connect(wrong, new AbortController().signal)).rejects.toMatchObject({
      code: 'CONNECTION_DENIED',
    });
    await target.stop();
  });
});
