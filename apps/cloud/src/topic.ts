export interface DeviceTopic {
  readonly space: 'sys' | 'ext/session';
  readonly productKey: string;
  readonly deviceKey: string;
  /** What follows the keys: `thing/measurepoint/post`. */
  readonly rest: string;
}

const TOPIC = /^\/(sys|ext\/session)\/([^/]+)\/([^/]+)\/(.+)$/;

/** Splits `/sys/P/D/...` and `/ext/session/P/D/...`; also filters, whose P and D must be written out. */
export function parseTopic(topic: string): DeviceTopic | undefined {
  const match = TOPIC.exec(topic);
  if (!match) return undefined;
  const [, space, productKey, deviceKey, rest] = match as unknown as [
    string,
    DeviceTopic['space'],
    string,
    string,
    string,
  ];
  if (/[+#]/.test(productKey) || /[+#]/.test(deviceKey)) return undefined;
  return { space, productKey, deviceKey, rest };
}
