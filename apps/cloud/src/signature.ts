import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** What stands in the MQTT client id: `{cid}|securemode=2,signmethod=sha256,timestamp=...|`. */
export interface ClientIdFields {
  /** Everything before the first `|`: it may hold commas and `=` of its own. */
  readonly cid: string;
  readonly securemode: string;
  readonly signmethod: string;
  /** Text: it is signed as it is, never read as a number. */
  readonly timestamp: string;
}

export function parseClientId(clientId: string): ClientIdFields | undefined {
  const bar = clientId.indexOf('|');
  if (bar <= 0) return undefined;
  const fields = new Map<string, string>();
  const end = clientId.indexOf('|', bar + 1);
  for (const pair of clientId.slice(bar + 1, end < 0 ? undefined : end).split(',')) {
    const equals = pair.indexOf('=');
    if (equals > 0) fields.set(pair.slice(0, equals).trim().toLowerCase(), pair.slice(equals + 1).trim());
  }
  return {
    cid: clientId.slice(0, bar),
    securemode: fields.get('securemode') ?? '',
    // Old clients name no method and mean SHA-1.
    signmethod: fields.get('signmethod') ?? 'sha1',
    timestamp: fields.get('timestamp') ?? '',
  };
}

/** Names sorted, each followed by its value, the secret last. */
function signedText(fields: Readonly<Record<string, string>>, secret: string): string {
  const text = Object.keys(fields)
    .sort()
    .map((name) => name + fields[name]);
  return text.join('') + secret;
}

/** Digests that are accepted under a method's name, in hex; none for an unknown method. The names with hmac are aliases. */
export function acceptedDigests(method: string, fields: Readonly<Record<string, string>>, secret: string): string[] {
  const text = signedText(fields, secret);
  const digest = (algorithm: string) => createHash(algorithm).update(text).digest('hex');
  switch (method.toLowerCase()) {
    case 'sha256':
    case 'hmacsha256':
      return [digest('sha256')];
    case 'sha1':
      return [digest('sha1')];
    case 'hmacsha1':
      // Clients disagree under this name: plain SHA-1, or an HMAC over the same text with the secret still in it.
      return [digest('sha1'), createHmac('sha1', secret).update(text).digest('hex')];
    case 'md5':
    case 'hmacmd5':
      return [digest('md5')];
    default:
      return [];
  }
}

/** Compares hex without regard to case, in a time that tells nothing of where they differ. */
export function isSignature(given: string, accepted: readonly string[]): boolean {
  const octets = Buffer.from(given.toLowerCase());
  let isRight = false;
  for (const digest of accepted) {
    const expected = Buffer.from(digest);
    if (expected.length === octets.length && timingSafeEqual(expected, octets)) isRight = true;
  }
  return isRight;
}
