import { createHash } from 'node:crypto';

export interface SignedLogin {
  /** The client identifier that is signed: what stands before the first `|`. */
  readonly clientId: string;
  readonly productKey: string;
  readonly deviceKey: string;
  /** Epoch ms as text: the text is signed. */
  readonly timestamp: string;
}

/** EnOS device protocol: names sorted, each followed by its value, the secret last; a plain SHA-256, no HMAC. */
export function sign(login: SignedLogin, secret: string): string {
  const { clientId, deviceKey, productKey, timestamp } = login;
  const text = `clientId${clientId}deviceKey${deviceKey}productKey${productKey}timestamp${timestamp}${secret}`;
  return createHash('sha256').update(text).digest('hex');
}

/** What CONNECT carries for a static login (securemode 2). */
export function connectFields(login: SignedLogin, secret: string) {
  return {
    clientId: `${login.clientId}|securemode=2,signmethod=sha256,timestamp=${login.timestamp}|`,
    username: `${login.deviceKey}&${login.productKey}`,
    password: sign(login, secret),
  };
}
