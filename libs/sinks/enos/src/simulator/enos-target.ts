import { type ReceivedValue, type Target, type TargetSimulator, TestBroker } from '@busbar/sink-testkit';
import { connectFields, sign } from '../sign.js';

const GATEWAY = { productKey: 'pkEdge', deviceKey: 'site-1' };
const PRODUCT = 'pkInv';

interface PostItem {
  readonly productKey: string;
  readonly deviceKey: string;
  readonly time: number;
  readonly measurepoints: Readonly<Record<string, unknown>>;
}

interface LoginParams {
  readonly clientId: string;
  readonly timestamp: string;
  readonly subDevices: readonly { readonly productKey: string; readonly deviceKey: string; readonly sign: string }[];
}

interface Envelope {
  readonly id: string;
  readonly method: string;
  readonly params: unknown;
}

export interface SeenRequest {
  readonly topic: string;
  readonly envelope: Envelope;
  readonly octets: number;
}

/** A target of which a test may ask more than the contract does. */
export interface EnosTarget extends Target {
  readonly requests: SeenRequest[];
  readonly command: NonNullable<Target['command']>;
  readonly answers: { id: string; code: number; message: string }[];
  /** Devices that are not let in. */
  readonly unknown: Set<string>;
  /** The next data requests get this code, or no reply for 0. */
  readonly nextCodes: number[];
  logOut(asset: string): void;
}

function secretOf(deviceKey: string): string {
  return `secret-of-${deviceKey}`;
}

function bareValue(raw: unknown): { value: unknown; quality: unknown } {
  if (typeof raw !== 'object' || raw === null || !('value' in raw)) return { value: raw, quality: undefined };
  return { value: raw.value, quality: 'quality' in raw ? raw.quality : undefined };
}

export const enosTarget = {
  async start(): Promise<EnosTarget> {
    const received: ReceivedValue[] = [];
    const requests: SeenRequest[] = [];
    const answers: { id: string; code: number; message: string }[] = [];
    const refused = new Set<string>();
    const unknown = new Set<string>();
    const loggedIn = new Set<string>();
    const nextCodes: number[] = [];
    const reply = (topic: string, envelope: Envelope, code: number, data: unknown = {}) =>
      broker.push(`${topic}_reply`, JSON.stringify({ id: envelope.id, code, message: `code ${code}`, data }));

    const logIn = (topic: string, envelope: Envelope) => {
      const { clientId, timestamp, subDevices } = envelope.params as LoginParams;
      const loginedSubDevices: unknown[] = [];
      const failedSubDevices: unknown[] = [];
      for (const { productKey, deviceKey, sign: given } of subDevices) {
        const right = sign({ clientId, productKey, deviceKey, timestamp }, secretOf(deviceKey));
        if (given !== right || unknown.has(deviceKey)) failedSubDevices.push({ productKey, deviceKey });
        else {
          loggedIn.add(deviceKey);
          loginedSubDevices.push({ assetId: deviceKey, productKey, deviceKey });
        }
      }
      reply(topic, envelope, failedSubDevices.length > 0 ? 740 : 200, { loginedSubDevices, failedSubDevices });
    };

    const codeFor = (items: readonly PostItem[]): number => {
      for (const { deviceKey, measurepoints } of items) {
        if (!loggedIn.has(deviceKey)) return 1009;
        if (Object.keys(measurepoints).some((point) => refused.has(`${deviceKey}/${point}`))) return 1204;
      }
      return 200;
    };

    const post = (topic: string, envelope: Envelope) => {
      const items = envelope.params as readonly PostItem[];
      const forced = nextCodes.shift();
      if (forced === 0) return;
      const code = forced ?? codeFor(items);
      if (code === 200) {
        for (const { deviceKey, time, measurepoints } of items) {
          for (const [point, raw] of Object.entries(measurepoints)) {
            received.push({ asset: deviceKey.replace('site-1-', ''), point, timeMs: time, ...bareValue(raw) });
          }
        }
      }
      reply(topic, envelope, code);
    };

    const broker: TestBroker = await TestBroker.start({
      authenticate: ({ clientId, user, password }) => {
        const timestamp = /timestamp=(\d+)/.exec(clientId)?.[1] ?? '';
        const login = { clientId: GATEWAY.deviceKey, ...GATEWAY, timestamp };
        const right = connectFields(login, secretOf('gateway'));
        loggedIn.clear();
        return clientId === right.clientId && user === right.username && password === right.password;
      },
      taken: ({ topic, payload }) => {
        const envelope = JSON.parse(payload.toString()) as Envelope;
        if (topic.endsWith('_reply')) {
          answers.push(envelope as unknown as { id: string; code: number; message: string });
          return;
        }
        requests.push({ topic, envelope, octets: payload.length });
        if (topic.endsWith('/combine/login/batch')) logIn(topic, envelope);
        else post(topic, envelope);
      },
    });
    const identity = (asset: string) => ({
      productKey: PRODUCT,
      deviceKey: `site-1-${asset}`,
      deviceSecret: `secret:enos/site-1-${asset}`,
    });
    const setTopic = (asset: string) => `/sys/${PRODUCT}/site-1-${asset}/thing/service/measurepoint/set`;
    return {
      config: {
        url: broker.url,
        productKey: GATEWAY.productKey,
        deviceKey: '$site',
        deviceSecret: 'secret:enos/gateway',
      },
      received,
      requests,
      answers,
      unknown,
      nextCodes,
      identity,
      secret: async (reference) => secretOf(reference.replace('secret:enos/', '')),
      get links() {
        return broker.links;
      },
      get offered() {
        return broker.offered;
      },
      setAcknowledging: (on) => broker.setAcknowledging(on),
      cut: () => broker.cut(),
      stop: () => broker.stop(),
      refuse: (asset, point) => refused.add(`site-1-${asset}/${point}`),
      logOut: (asset) => loggedIn.delete(`site-1-${asset}`),
      command: ({ id, asset, values, retained }) =>
        broker.push(
          setTopic(asset),
          JSON.stringify({ id, version: '1.0', method: 'thing.service.measurepoint.set', params: values }),
          { retain: retained ?? false },
        ),
      garbage: (octets) => {
        const { productKey, deviceKey } = GATEWAY;
        broker.push(setTopic('inv-01'), octets, { qos: 0 });
        broker.push(`/sys/${productKey}/${deviceKey}/thing/measurepoint/post/batch_reply`, octets, { qos: 0 });
        broker.push(`/ext/session/${productKey}/${deviceKey}/combine/login/batch_reply`, octets, { qos: 0 });
      },
    };
  },
} satisfies TargetSimulator;
