import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EnosLink } from './client.js';
import { Requests } from './requests.js';

const octets = (reply: unknown) => new TextEncoder().encode(JSON.stringify(reply));

function open() {
  const sent: string[] = [];
  const link = { publish: (_topic: string, payload: string) => void sent.push(payload) } as unknown as EnosLink;
  const requests = new Requests('enos', 50);
  return { requests, sent, call: (topic: string) => requests.call(link, topic, (id) => id) };
}

describe('a request', () => {
  it('is answered by the reply with its id on its topic, and by no other', async () => {
    const { requests, sent, call } = open();
    const asked = call('/a');
    requests.take('/b_reply', octets({ id: sent[0], code: 1 }));
    requests.take('/a_reply', octets({ id: 'other', code: 2 }));
    requests.take('/a_reply', octets({ id: sent[0] }));
    requests.take('/a_reply', octets({ id: sent[0], code: '200', data: '{"x":1}' }));
    requests.take('/a_reply', octets({ id: sent[0], code: 3 }));
    expect(await asked).toEqual({ id: sent[0], code: 200, message: '', data: { x: 1 } });
  });

  it('never uses an id twice', () => {
    const { sent, call, requests } = open();
    for (let i = 0; i < 100; i++) call('/a').catch(() => {});
    expect(new Set(sent).size).toBe(100);
    requests.end(new Error('done') as never);
  });

  it('fails after its time-out, and a later reply is nobody’s', async () => {
    const { requests, sent, call } = open();
    const first = call('/a');
    await expect(first).rejects.toMatchObject({ code: 'SINK_NO_REPLY' });
    const second = call('/a');
    requests.take('/a_reply', octets({ id: sent[0], code: 1 }));
    requests.take('/a_reply', octets({ id: sent[1], code: 200 }));
    expect((await second).code).toBe(200);
  });

  it('survives any octets as a reply', () => {
    const { requests } = open();
    fc.assert(fc.property(fc.uint8Array(), (bytes) => requests.take('/a_reply', bytes)));
    fc.assert(fc.property(fc.json(), (text) => requests.take('/a_reply', new TextEncoder().encode(text))));
  });
});
