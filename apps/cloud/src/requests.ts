import type { Clock } from '@busbar/model';
import { CODE, CODE_MESSAGES } from './codes.js';
import type { Commands } from './commands.js';
import type { Device, DeviceList } from './device-list.js';
import { type Envelope, isMalformed, parseEnvelope } from './envelope.js';
import type { Fault, Faults } from './faults.js';
import { judgeBatch, judgePost, type PostRules } from './judge-post.js';
import type { Logins, Outcome } from './logins.js';
import type { Session } from './sessions.js';
import { type DeviceTopic, parseTopic } from './topic.js';
import type { ValueStore } from './value-store.js';

const METHODS: Readonly<Record<string, string>> = {
  'thing/measurepoint/post': 'thing.measurepoint.post',
  'thing/measurepoint/post/batch': 'thing.measurepoint.post.batch',
  'thing/measurepoint/resume': 'thing.measurepoint.resume',
  'thing/measurepoint/resume/batch': 'thing.measurepoint.resume.batch',
  'combine/login': 'combine.login',
  'combine/login/batch': 'combine.login.batch',
  'combine/logout': 'combine.logout',
};

export interface RequestParts {
  readonly devices: DeviceList;
  readonly logins: Logins;
  readonly values: ValueStore;
  readonly commands: Commands;
  readonly faults: Faults;
}

/** What a device published: judged, kept, answered. Never passed on to anybody. */
export class Requests {
  readonly #parts: RequestParts;
  readonly #clock: Clock;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(parts: RequestParts, clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
  }

  /**
   * Values are kept before this returns, so that what is acknowledged is here. Gives the function that sends the reply,
   * to be called after the acknowledgement; null: there is none.
   */
  take(session: Session, topic: string, payload: Buffer): (() => void) | null {
    const parsed = parseTopic(topic);
    if (topic.endsWith('_reply')) {
      const answer = parseEnvelope(payload);
      if (parsed && !isMalformed(answer) && this.#deviceOf(session, parsed)) this.#parts.commands.answer(topic, answer);
      return null;
    }
    const envelope = parseEnvelope(payload);
    if (isMalformed(envelope)) return this.#reply({ session, topic, envelope }, { code: envelope.code, data: {} });
    const method = parsed ? METHODS[parsed.rest] : undefined;
    if (!parsed || method === undefined) return this.#refuse({ session, topic, envelope }, CODE.notLoggedIn);
    const device = this.#deviceOf(session, parsed);
    if (!device) return this.#refuse({ session, topic, envelope }, CODE.notLoggedIn);
    if (envelope.method !== undefined && envelope.method !== method) {
      return this.#refuse({ session, topic, envelope }, CODE.wrongMethod);
    }
    if (envelope.params === undefined) return this.#refuse({ session, topic, envelope }, CODE.malformed);
    if (parsed.space === 'ext/session') return this.#session({ session, topic, envelope, method, device });
    return this.#measurepoints({ session, topic, envelope, method, device });
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #session(request: Request): (() => void) | null {
    const { session, envelope, method, device } = request;
    if (device !== session.device) return this.#refuse(request, CODE.notLoggedIn);
    const { logins } = this.#parts;
    let outcome: Outcome;
    if (method === 'combine.login') outcome = logins.single(session, envelope);
    else if (method === 'combine.login.batch') outcome = logins.batch(session, envelope);
    else if (method === 'combine.logout') outcome = logins.out(session, envelope);
    else outcome = { code: CODE.notLoggedIn, data: {} };
    return this.#reply(request, outcome);
  }

  #measurepoints(request: Request): (() => void) | null {
    const { session, envelope, method, device } = request;
    if (!method.startsWith('thing.measurepoint.')) return this.#refuse(request, CODE.notLoggedIn);
    const nowMs = this.#clock.wallMs();
    const isBatch = method.endsWith('.batch');
    const rules: PostRules = {
      device: (productKey, deviceKey) => (isBatch ? this.#named(session, { productKey, deviceKey, device }) : device),
      isLoggedIn: (one) => session.has(one),
      allowOffline: isBatch && envelope.allowOfflineSubDevice,
      skipInvalid: isBatch && envelope.skipInvalidMeasurepoints,
      nowMs,
    };
    const judged = (isBatch ? judgeBatch : judgePost)(envelope.params, rules);
    const values = 'values' in judged ? judged.values : [];
    const faults = this.#faults(values.map((value) => value.device.deviceKey));
    const refusing = faults.find((fault) => fault.kind === 'refuse');
    if (refusing) return this.#reply(request, { code: refusing.code, data: {} }, faults);
    this.#parts.values.take(values, nowMs);
    const code = 'code' in judged ? judged.code : CODE.ok;
    return this.#reply(request, { code, data: {} }, faults);
  }

  #faults(deviceKeys: readonly string[]): Fault[] {
    return this.#parts.faults.isEmpty ? [] : this.#parts.faults.meet(new Set(deviceKeys));
  }

  /** The device of a topic, if it is this connection's own or below it. */
  #deviceOf(session: Session, { productKey, deviceKey }: DeviceTopic): Device | undefined {
    return this.#named(session, { productKey, deviceKey, device: undefined });
  }

  #named(
    session: Session,
    name: { productKey: string | undefined; deviceKey: string | undefined; device: Device | undefined },
  ): Device | undefined {
    if (name.productKey === undefined && name.deviceKey === undefined) return name.device;
    const found = this.#parts.devices.find(name.productKey ?? '', name.deviceKey ?? '');
    if (!found) return undefined;
    return found === session.device || this.#parts.devices.isBelow(session.device, found) ? found : undefined;
  }

  #refuse(asked: Asked, code: number): () => void {
    return this.#reply(asked, { code, data: {} });
  }

  #reply(
    { session, topic, envelope: { id } }: Asked,
    { code, data }: Outcome,
    faults: readonly Fault[] = [],
  ): () => void {
    const message = CODE_MESSAGES[code] ?? `code ${code}`;
    const payload = JSON.stringify(code === CODE.ok ? { id, code, data } : { id, code, message, data });
    const delayMs = faults.reduce((ms, fault) => ms + (fault.kind === 'delay' ? fault.ms : 0), 0);
    return () => {
      if (faults.some((fault) => fault.kind === 'no-reply')) return;
      const push = () => session.link.push(`${topic}_reply`, payload);
      if (delayMs === 0) return push();
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        push();
      }, delayMs);
      this.#timers.add(timer);
    };
  }
}

/** What a reply goes back to. */
interface Asked {
  readonly session: Session;
  readonly topic: string;
  readonly envelope: Pick<Envelope, 'id'>;
}

interface Request extends Asked {
  readonly envelope: Envelope;
  readonly method: string;
  readonly device: Device;
}
