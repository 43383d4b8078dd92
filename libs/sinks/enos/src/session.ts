import { BusbarError } from '@busbar/errors';
import { fillPlaceholders, type Rejection, type SinkContext, type SinkMessage } from '@busbar/sink-sdk';
import { EnosLink } from './client.js';
import { Commands } from './commands.js';
import type { EnosConfig } from './config.js';
import { deviceName, deviceOf, type EnosDevice } from './device.js';
import { Logins } from './logins.js';
import type { Purpose } from './payload.js';
import { RefusedPoints } from './refusals.js';
import { Requests } from './requests.js';
import { Sender } from './sender.js';
import { connectFields } from './sign.js';

interface Parts {
  readonly link: EnosLink;
  readonly requests: Requests;
  readonly logins: Logins;
  readonly sender: Sender;
}

/** A login of the gateway at EnOS with its sub-devices. */
export class EnosSession {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async open(context: SinkContext<EnosConfig>, signal: AbortSignal): Promise<EnosSession> {
    const { config, site, sink, clock } = context;
    const { url, productKey } = config;
    const gateway = { productKey, deviceKey: fillPlaceholders(config.deviceKey, { site, sink }) };
    const devices = new Map(context.assets.map((asset) => [asset.asset, deviceOf(asset, { site, sink })]));
    const requests = new Requests(url, config.timeout);
    let link: EnosLink | null = null;
    let isOpen = false;
    const byName = new Map([...devices.values()].map((device) => [deviceName(device), device]));
    const commands = new Commands({
      clock,
      who: 'EnOS',
      command: context.command,
      points: (model) => context.points(model),
      device: (product, device) => byName.get(`${product}/${device}`),
      reply: (topic, payload) => link?.publish(topic, payload, () => {}),
    });
    const logins = new Logins({
      gateway,
      retryMs: config.loginRetry,
      clock,
      log: context.log,
      secret: (reference) => context.secret(reference),
      request: (body) => requests.call(opened(link, url), session(gateway, 'combine/login/batch'), body),
    });
    const timestamp = String(clock.wallMs());
    const secret = await context.secret(fillPlaceholders(config.deviceSecret, { site, sink }));
    const fields = connectFields({ clientId: gateway.deviceKey, ...gateway, timestamp }, secret);
    link = await EnosLink.open(
      { url, ...fields, keepaliveMs: config.keepalive, timeoutMs: config.timeout },
      {
        message: (topic, payload, retained) => {
          if (topic.endsWith('_reply')) requests.take(topic, payload);
          else commands.take(topic, payload, retained);
        },
        lost: (error) => {
          logins.close();
          requests.end(error);
          if (isOpen) context.lost(error.diagnosis);
        },
      },
      signal,
    );
    const sender = new Sender({
      target: url,
      itemsPerRequest: config.itemsPerRequest,
      logins,
      refused: new RefusedPoints(clock, config.loginRetry),
      device: (message) => devices.get(message.asset.asset) ?? deviceOf(message.asset, { site, sink }),
      post: (purpose, body) => requests.call(opened(link, url), data(gateway, purpose), body),
      skipped: (values) => context.skipped?.(values, 'no-value'),
    });
    const made = new EnosSession({ link, requests, logins, sender });
    const onAbort = () => requests.end(new BusbarError('CONNECTION_LOST', { target: url, reason: 'aborted' }));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await link.subscribe(
        [session(gateway, 'combine/login/batch'), data(gateway, 'post'), data(gateway, 'resume')].map(
          (topic) => `${topic}_reply`,
        ),
      );
      await logins.logIn([...devices.values()]);
      isOpen = true;
      return made;
    } catch (error) {
      await made.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  send(messages: readonly SinkMessage[], signal: AbortSignal): Promise<readonly Rejection[]> {
    return this.#parts.sender.send(messages, signal);
  }

  async close(): Promise<void> {
    this.#parts.logins.close();
    this.#parts.requests.end(new BusbarError('CONNECTION_LOST', { target: 'EnOS', reason: 'closed' }));
    await this.#parts.link.close();
  }
}

type Gateway = Pick<EnosDevice, 'productKey' | 'deviceKey'>;

function session({ productKey, deviceKey }: Gateway, what: string): string {
  return `/ext/session/${productKey}/${deviceKey}/${what}`;
}

function data({ productKey, deviceKey }: Gateway, purpose: Purpose): string {
  return `/sys/${productKey}/${deviceKey}/thing/measurepoint/${purpose}/batch`;
}

function opened(link: EnosLink | null, target: string): EnosLink {
  if (link) return link;
  throw new BusbarError('CONNECTION_LOST', { target, reason: 'not open yet' });
}
