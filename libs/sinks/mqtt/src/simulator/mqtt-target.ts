import { type ReceivedValue, type Target, type TargetSimulator, TestBroker } from '@busbar/sink-testkit';

const PASSWORD = 'river';

interface Payload {
  readonly asset: string;
  readonly time: number;
  readonly points: Readonly<Record<string, unknown>>;
  readonly quality?: Readonly<Record<string, string>>;
}

function valuesOf(payload: Payload): ReceivedValue[] {
  const ids = new Set([...Object.keys(payload.points), ...Object.keys(payload.quality ?? {})]);
  return [...ids].map((point) => ({
    asset: payload.asset,
    point,
    value: payload.points[point],
    quality: payload.quality?.[point],
    timeMs: payload.time,
  }));
}

/** A broker that knows one user and reads what is published on it. */
export const mqttTarget: TargetSimulator & { readonly password: string } = {
  password: PASSWORD,
  async start(): Promise<Target> {
    const received: ReceivedValue[] = [];
    const broker = await TestBroker.start({
      authenticate: ({ user, password }) => user === 'edge' && password === PASSWORD,
      taken: ({ payload }) => received.push(...valuesOf(JSON.parse(payload.toString()) as Payload)),
    });
    return {
      config: { url: broker.url, user: 'edge', password: 'secret:mqtt/password' },
      received,
      identity: () => ({}),
      secret: async () => PASSWORD,
      get links() {
        return broker.links;
      },
      get offered() {
        return broker.offered;
      },
      setAcknowledging: (on) => broker.setAcknowledging(on),
      cut: () => broker.cut(),
      stop: () => broker.stop(),
    };
  },
};
