import { type Target, TestBroker, TestHost } from '@busbar/sink-testkit';
import { afterEach, describe, expect, it } from 'vitest';
import mqttSink from './sink.js';

const never = new AbortController().signal;
let broker: TestBroker;
const messages: { topic: string; qos: number; payload: string }[] = [];

async function start(config: Record<string, unknown>) {
  messages.length = 0;
  broker = await TestBroker.start({
    taken: ({ topic, qos, payload }) => messages.push({ topic, qos, payload: payload.toString() }),
  });
  const host = new TestHost({ identity: () => ({}), secret: async () => '' } as unknown as Target);
  const session = await mqttSink.connect(host.context(mqttSink.config.parse({ url: broker.url, ...config })), never);
  return { host, session };
}

describe('a session with a broker', () => {
  afterEach(() => broker.stop());

  it.each([0, 1, 2] as const)('publishes at QoS %i on the topic of the asset', async (qos) => {
    const { host, session } = await start({ qos, topic: '$site/$model/$asset/$sink' });
    await mqttSink.send(session, [host.message('inv-02', [{ point: 1, value: 5 }])], never);
    await mqttSink.close(session);
    expect(messages.map(({ topic, qos: used }) => ({ topic, qos: used }))).toEqual([
      { topic: 'site-1/inverter/inv-02/north', qos },
    ]);
  });

  it('leaves a broker that acknowledges nothing, so that no late answer meets a repeat', async () => {
    const { host, session } = await start({ timeout: 1_000 });
    broker.setAcknowledging(false);
    const sending = mqttSink.send(session, [host.message('inv-01', [{ point: 1, value: 5 }])], never);
    await expect(sending).rejects.toMatchObject({ code: 'SINK_NO_REPLY' });
    expect(host.lost.map(({ code }) => code)).toEqual(['SINK_NO_REPLY']);
    const again = mqttSink.send(session, [host.message('inv-01', [{ point: 1, value: 5 }])], never);
    await expect(again).rejects.toMatchObject({ code: 'SINK_NO_REPLY' });
    await mqttSink.close(session);
  });
});
