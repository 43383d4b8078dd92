import { createHash } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Cloud, startCloud } from './cloud.js';
import type { DeviceEntry } from './device-list.js';

const WAIT = { timeout: 5_000, interval: 5 };
const TIME = '1524448722000';
const DEVICES: readonly DeviceEntry[] = [
  { productKey: 'pk1', deviceKey: 'gw1', deviceSecret: 'gs1', gateway: true },
  { productKey: 'pk1', deviceKey: 'gw2', deviceSecret: 'gs2', gateway: true },
  { productKey: 'pk2', deviceKey: 'sd1', deviceSecret: 'ss1', parent: 'gw1', points: ['P', 'Q'] },
  { productKey: 'pk2', deviceKey: 'sd2', deviceSecret: 'ss2', parent: 'gw1' },
  { productKey: 'pk2', deviceKey: 'sd3', deviceSecret: 'ss3', parent: 'gw2' },
];

interface Message {
  readonly topic: string;
  readonly body: { readonly id: string; readonly code: number; readonly data: unknown; readonly params: unknown };
}

function signed(clientId: string, productKey: string, deviceKey: string): string {
  const secret = DEVICES.find((device) => device.deviceKey === deviceKey)?.deviceSecret ?? 'none';
  const text = `clientId${clientId}deviceKey${deviceKey}productKey${productKey}timestamp${TIME}${secret}`;
  return createHash('sha256').update(text).digest('hex');
}

class TestDevice {
  readonly client: MqttClient;
  readonly messages: Message[] = [];
  #nextId = 1;

  constructor(client: MqttClient) {
    this.client = client;
    client.on('message', (topic, payload) => this.messages.push({ topic, body: JSON.parse(payload.toString()) }));
  }

  /** Publishes and waits for the reply; it comes although nothing is subscribed. */
  async ask(topic: string, method: string, params: unknown, more: object = {}): Promise<Message['body']> {
    const id = String(this.#nextId++);
    await this.client.publishAsync(topic, JSON.stringify({ id, version: '1.0', method, params, ...more }), { qos: 1 });
    return this.reply(`${topic}_reply`, id);
  }

  async reply(topic: string, id: string | undefined): Promise<Message['body']> {
    return vi.waitFor(() => {
      const message = this.messages.find((one) => one.topic === topic && one.body.id === id);
      if (!message) throw new Error(`no reply on ${topic}`);
      return message.body;
    }, WAIT);
  }

  logIn(...keys: string[]): Promise<Message['body']> {
    const subDevices = keys.map((deviceKey) => ({
      productKey: 'pk2',
      deviceKey,
      secureMode: 2,
      sign: signed('batch', 'pk2', deviceKey).toUpperCase(),
    }));
    const params = { clientId: 'batch', timestamp: Number(TIME), signMethod: 'SHA256', subDevices };
    return this.ask('/ext/session/pk1/gw1/combine/login/batch', 'combine.login.batch', params);
  }

  post(items: unknown, flags: object = {}): Promise<Message['body']> {
    return this.ask('/sys/pk1/gw1/thing/measurepoint/post/batch', 'thing.measurepoint.post.batch', items, flags);
  }
}

describe('the stand-in for EnOS Cloud', () => {
  let cloud: Cloud;
  const clients: MqttClient[] = [];

  beforeEach(async () => {
    cloud = await startCloud({
      mqtt: { host: '127.0.0.1', port: 0 },
      http: { host: '127.0.0.1', port: 0 },
      devices: DEVICES,
      isCounting: true,
      clock: { monotonicMs: () => 0, wallMs: () => 1_700_000_000_000 },
      log: { info: () => {}, warn: () => {} },
    });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true);
    await cloud.stop();
  });

  const connect = async (
    deviceKey = 'gw1',
    more: { productKey?: string; password?: string; clientId?: string } = {},
  ) => {
    const { productKey = 'pk1', clientId = `${deviceKey}|securemode=2,signmethod=sha256,timestamp=${TIME}|` } = more;
    const client = mqtt.connect(`mqtt://127.0.0.1:${cloud.mqtt.port}`, {
      clientId,
      username: `${deviceKey}&${productKey}`,
      password: more.password ?? signed(deviceKey, productKey, deviceKey),
      reconnectPeriod: 0,
    });
    clients.push(client);
    const device = new TestDevice(client);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
    });
    return device;
  };
  const http = async (path: string, init?: { method: string; body?: unknown }) => {
    const response = await fetch(`http://127.0.0.1:${cloud.http.port}${path}`, {
      method: init?.method ?? 'GET',
      ...(init?.body !== undefined && {
        body: typeof init.body === 'string' ? init.body : JSON.stringify(init.body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const item = (deviceKey: string, measurepoints: unknown, time = 5) => ({
    productKey: 'pk2',
    deviceKey,
    measurepoints,
    time,
  });

  describe('login', () => {
    it('lets a device in whose signature is right', async () => {
      expect((await connect()).client.connected).toBe(true);
    });

    it.each([
      ['a wrong secret', 'gw1', { password: signed('gw1', 'pk1', 'nobody') }],
      ['an unknown device', 'gw9', {}],
      ['another product', 'gw1', { productKey: 'pk2' }],
      ['no signature', 'gw1', { password: '' }],
      ['a client id without fields', 'gw1', { clientId: 'gw1' }],
      ['a mode that is not static', 'gw1', { clientId: `gw1|securemode=3,signmethod=sha256,timestamp=${TIME}|` }],
    ])('refuses %s', async (_name, deviceKey, more) => {
      await expect(connect(deviceKey, more)).rejects.toMatchObject({ code: 4 });
    });

    it('gives the place of a device to its newer connection, whatever the client id is', async () => {
      const older = await connect();
      const closed = new Promise<void>((resolve) => older.client.once('close', () => resolve()));
      const clientId = `gw1|securemode=2,signmethod=sha256,timestamp=${TIME}|,again`;
      const newer = await connect('gw1', { clientId });
      await closed;
      expect(newer.client.connected).toBe(true);
      expect((await newer.logIn('sd1')).code).toBe(200);
    });
  });

  describe('sub-devices', () => {
    it('are logged in together, good ones even beside bad ones', async () => {
      const gateway = await connect();
      expect(await gateway.logIn('sd1', 'sd2')).toMatchObject({ code: 200, data: { failedSubDevices: [] } });
      const mixed = await gateway.logIn('sd1', 'nobody');
      expect(mixed.code).not.toBe(200);
      expect(mixed.data).toEqual({
        loginedSubDevices: [{ assetId: 'asset-sd1', productKey: 'pk2', deviceKey: 'sd1' }],
        failedSubDevices: [{ productKey: 'pk2', deviceKey: 'nobody' }],
      });
    });

    it('of another gateway are not let in', async () => {
      const reply = await (await connect()).logIn('sd3');
      expect(reply.code).not.toBe(200);
    });

    it('are logged in one by one and out again; an unknown one is logged out with 200 too', async () => {
      const gateway = await connect();
      const session = '/ext/session/pk1/gw1';
      const sign = signed('sd1', 'pk2', 'sd1');
      const params = {
        productKey: 'pk2',
        deviceKey: 'sd1',
        clientId: 'sd1',
        timestamp: TIME,
        signMethod: 'sha256',
        sign,
      };
      expect((await gateway.ask(`${session}/combine/login`, 'combine.login', params)).code).toBe(200);
      expect((await gateway.post([item('sd1', { P: 1 })])).code).toBe(200);
      const out = { productKey: 'pk2', deviceKey: 'sd1' };
      expect((await gateway.ask(`${session}/combine/logout`, 'combine.logout', out)).code).toBe(200);
      expect((await gateway.post([item('sd1', { P: 1 })])).code).toBe(1009);
      const nobody = { productKey: 'pk2', deviceKey: 'x' };
      expect((await gateway.ask(`${session}/combine/logout`, 'combine.logout', nobody)).code).toBe(200);
      const bad = { ...params, sign: 'x' };
      expect((await gateway.ask(`${session}/combine/login`, 'combine.login', bad)).code).not.toBe(200);
    });
  });

  describe('values', () => {
    it('are kept, counted and shown', async () => {
      const gateway = await connect();
      await gateway.logIn('sd1', 'sd2');
      const items = [item('sd1', { P: { value: 1.5, quality: 0 } }), item('sd2', { x: 'text' }, 6)];
      expect(await gateway.post(items)).toEqual({ id: '2', code: 200, data: {} });
      expect((await gateway.post([item('sd1', { P: 2 }, 4)])).code).toBe(200);
      expect((await http('/api/v1/devices/sd1/points')).body).toEqual({
        deviceKey: 'sd1',
        points: { P: { value: 1.5, quality: 0, time: 5 } },
      });
      const { body } = await http('/api/v1/summary');
      expect(body.received).toBe(3);
      expect(body.assets).toMatchObject({
        sd1: { received: 2, lastReceivedAt: 1_700_000_000_000, online: true },
        sd2: { received: 1 },
        sd3: { received: 0, lastReceivedAt: null, online: false },
      });
      expect((await http('/api/v1/devices/sd1/values?after=1')).body).toEqual({
        values: [{ n: 2, id: 'P', value: 2, time: 4 }],
        next: 2,
        first: 1,
      });
    });

    it.each(['post', 'resume'])('come by %s on the topic of the sub-device too', async (purpose) => {
      const gateway = await connect();
      const topic = `/sys/pk2/sd1/thing/measurepoint/${purpose}`;
      const method = `thing.measurepoint.${purpose}`;
      expect((await gateway.ask(topic, method, { measurepoints: { P: 1 } })).code).toBe(1009);
      await gateway.logIn('sd1');
      expect((await gateway.ask(topic, method, { measurepoints: { P: 1 } })).code).toBe(200);
      expect((await gateway.ask(topic, method, { measurepoints: { P: 1, nope: 1 } })).code).toBe(1204);
      expect((await http('/api/v1/summary')).body.received).toBe(1);
    });

    it('of a batch are taken as a whole or not at all', async () => {
      const gateway = await connect();
      await gateway.logIn('sd1');
      expect((await gateway.post([item('sd1', { P: 1 }), item('sd1', { nope: 2 })])).code).toBe(1204);
      expect((await gateway.post([item('sd1', { P: 1 }), item('sd2', { x: 2 })])).code).toBe(1009);
      expect((await http('/api/v1/summary')).body.received).toBe(0);
      const skip = { skipInvalidMeasurepoints: true };
      expect((await gateway.post([item('sd1', { nope: 1 })], skip)).code).toBe(200);
      const offline = { allowOfflineSubDevice: true };
      expect((await gateway.post([item('sd1', { P: 1 }), item('sd2', { x: 2 })], offline)).code).toBe(200);
    });

    it('that cannot be read are answered with the code of EnOS, and the link stays', async () => {
      const gateway = await connect();
      const topic = '/sys/pk1/gw1/thing/measurepoint/post';
      await gateway.client.publishAsync(topic, '{', { qos: 1 });
      expect((await gateway.reply(`${topic}_reply`, undefined)).code).toBe(1220);
      expect((await gateway.ask(topic, 'thing.other', {})).code).toBe(1260);
      expect((await gateway.ask('/sys/pk1/gw1/thing/nothing', 'thing.nothing', {})).code).toBe(1009);
      expect((await gateway.ask('/sys/pk2/sd3/thing/measurepoint/post', 'thing.measurepoint.post', {})).code).toBe(
        1009,
      );
      const large = JSON.stringify({ id: 'L', params: 'x'.repeat(600_000) });
      await gateway.client.publishAsync(topic, large, { qos: 1 });
      expect((await gateway.reply(`${topic}_reply`, 'L')).code).toBe(1008);
      expect(gateway.client.connected).toBe(true);
    });
  });

  describe('subscriptions', () => {
    it('are granted for the own topics and all devices below, refused elsewhere', async () => {
      const gateway = await connect();
      const granted = async (topic: string) => {
        try {
          const [answer] = await gateway.client.subscribeAsync(topic, { qos: 1 });
          return answer?.qos;
        } catch {
          return 128;
        }
      };
      expect(await granted('/sys/pk1/gw1/thing/service/+')).toBe(1);
      expect(await granted('/sys/pk2/sd2/thing/measurepoint/post_reply')).toBe(1);
      expect(await granted('/ext/session/pk1/gw1/#')).toBe(1);
      for (const topic of ['#', '/sys/+/gw1/thing', '/sys/pk2/sd3/thing/#', '/sys/pk1/gw2/#', '$SYS/#', '/sys/#']) {
        expect(await granted(topic), topic).toBe(128);
      }
    });

    it('never bring back what a device itself published, nor what another did', async () => {
      const gateway = await connect();
      await gateway.client.subscribeAsync(['/sys/pk1/gw1/#', '/sys/pk2/sd1/#'], { qos: 1 });
      await gateway.logIn('sd1');
      await gateway.post([item('sd1', { P: 1 })]);
      await gateway.client.publishAsync('/sys/pk2/sd1/thing/service/x_reply', '{"id":"1","code":200}', { qos: 1 });
      await gateway.client.publishAsync('/sys/pk1/gw1/retained', '{"id":"9"}', { qos: 1, retain: true });
      const other = await connect('gw2');
      await other.ask('/sys/pk1/gw2/thing/measurepoint/post', 'thing.measurepoint.post', { measurepoints: { a: 1 } });
      expect(gateway.messages.map(({ topic }) => topic).filter((topic) => !topic.endsWith('batch_reply'))).toEqual([
        '/sys/pk1/gw1/retained_reply',
      ]);
    });
  });

  describe('commands', () => {
    const SET = '/sys/pk2/sd1/thing/service/measurepoint/set';
    const set = (body: unknown) => http('/api/v1/devices/sd1/set', { method: 'POST', body });

    it.each([false, true])(
      'reach the device once, subscribed or not (%s), and bring its answer',
      async (isSubscribed) => {
        const gateway = await connect();
        if (isSubscribed) await gateway.client.subscribeAsync([SET, '/sys/pk2/sd1/thing/service/#'], { qos: 1 });
        await gateway.logIn('sd1');
        gateway.client.on('message', (topic, payload) => {
          if (topic !== SET) return;
          const { id } = JSON.parse(payload.toString());
          gateway.client.publish(
            `${SET}_reply`,
            JSON.stringify({ id, code: '2105', message: 'no', data: { rule: 'RANGE' } }),
          );
        });
        const answer = await set({ points: { P: 40 } });
        expect(answer).toEqual({ status: 200, body: { code: 2105, message: 'no', data: { rule: 'RANGE' } } });
        await gateway.post([item('sd1', { P: 1 })]);
        const commands = gateway.messages.filter(({ topic }) => topic === SET);
        expect(commands.map(({ body }) => body.params)).toEqual([{ P: 40 }]);
        expect(Number(commands[0]?.body.id)).toBeGreaterThanOrEqual(1_073_741_824);
      },
    );

    it('to a device that is away or silent are 504', async () => {
      expect(await set({ points: { P: 1 } })).toMatchObject({ status: 504, body: { code: 'CLOUD_DEVICE_OFFLINE' } });
      const gateway = await connect();
      await gateway.logIn('sd1');
      expect(await set({ points: { P: 1 }, timeoutMs: 50 })).toMatchObject({
        status: 504,
        body: { code: 'CLOUD_NO_ANSWER' },
      });
    });

    it('that are malformed are refused with what to do', async () => {
      for (const body of [{}, { points: {} }, { points: { P: 1 }, timeoutMs: 0 }, 'text']) {
        const { status, body: error } = await set(body);
        expect(status).toBe(400);
        expect(error).toMatchObject({ code: 'REQUEST_INVALID', sentence: expect.any(String), fix: expect.any(String) });
      }
      expect((await http('/api/v1/devices/nope/set', { method: 'POST', body: { points: { P: 1 } } })).status).toBe(404);
    });
  });

  describe('faults', () => {
    const fault = (body: unknown) => http('/api/v1/faults', { method: 'POST', body });

    it('leave replies out as often as asked; the values are taken', async () => {
      const gateway = await connect();
      await gateway.logIn('sd1');
      await fault({ kind: 'no-reply', count: 1, deviceKey: 'sd1' });
      const topic = '/sys/pk1/gw1/thing/measurepoint/post/batch';
      const params = [item('sd1', { P: 1 })];
      await gateway.client.publishAsync(topic, JSON.stringify({ id: 'A', params }), { qos: 1 });
      expect((await gateway.post([item('sd1', { P: 2 })])).code).toBe(200);
      expect(gateway.messages.some(({ body }) => body.id === 'A')).toBe(false);
      expect((await http('/api/v1/summary')).body.received).toBe(2);
    });

    it('refuse until they are taken away', async () => {
      const gateway = await connect();
      await gateway.logIn('sd1', 'sd2');
      await fault({ kind: 'refuse', deviceKey: 'sd1', code: 1204 });
      expect((await gateway.post([item('sd1', { P: 1 })])).code).toBe(1204);
      expect((await gateway.post([item('sd2', { P: 1 })])).code).toBe(200);
      await http('/api/v1/faults', { method: 'DELETE' });
      expect((await gateway.post([item('sd1', { P: 1 })])).code).toBe(200);
    });

    it('delay a reply, and disconnect', async () => {
      const gateway = await connect();
      await gateway.logIn('sd1');
      await fault({ kind: 'delay', ms: 60, count: 1 });
      const before = performance.now();
      await gateway.post([item('sd1', { P: 1 })]);
      expect(performance.now() - before).toBeGreaterThan(50);
      const closed = new Promise<void>((resolve) => gateway.client.once('close', () => resolve()));
      expect((await fault({ kind: 'disconnect', deviceKey: 'sd1' })).body).toEqual({ disconnected: 1 });
      await closed;
    });
  });

  it('names the setting when a port is taken', async () => {
    const options = {
      devices: DEVICES,
      isCounting: false,
      clock: { monotonicMs: () => 0, wallMs: () => 0 },
      log: { info: () => {}, warn: () => {} },
    };
    const free = { host: '127.0.0.1', port: 0 };
    await expect(startCloud({ ...options, mqtt: cloud.mqtt, http: free })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      params: { setting: 'BUSBAR_CLOUD_MQTT' },
    });
    await expect(startCloud({ ...options, mqtt: free, http: cloud.http })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      params: { setting: 'BUSBAR_CLOUD_HTTP' },
    });
  });
});
