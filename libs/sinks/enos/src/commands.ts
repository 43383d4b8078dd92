import type { Clock } from '@busbar/model';
import type { CommandAnswer, SinkCommand, SinkContext } from '@busbar/sink-sdk';
import { commandValue } from './command-value.js';
import type { EnosDevice } from './device.js';
import { parseCommand } from './envelope.js';

/** A repeat of a command within this time after its end gets the same answer (control.md 3). */
const KEEP_MS = 60_000;
const MAX_OPEN = 1_000;
const MAX_KEPT = 10_000;

const TOPIC = /^\/sys\/([^/]+)\/([^/]+)\/thing\/service\/(.+)$/;

const NO_HANDLER = 1101;
const UNKNOWN_POINT = 2101;
const NOT_ALLOWED = 2103;
const TYPE = 2104;
const REFUSED_ID = 2106;
const BUSY = 2112;

interface Known {
  /** A repeat must ask for the same. */
  readonly content: string;
  answer: CommandAnswer | null;
  endedMs: number;
}

export interface CommandsOptions {
  readonly clock: Clock;
  readonly who: string;
  readonly command: ((command: SinkCommand) => Promise<CommandAnswer>) | undefined;
  readonly points: SinkContext<unknown>['points'];
  device(productKey: string, deviceKey: string): EnosDevice | undefined;
  reply(topic: string, payload: string): void;
}

function refusal(code: number, message: string): CommandAnswer {
  return { code, message, data: {} };
}

/** Commands from EnOS: each is passed on once, each delivery is answered. */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #known = new Map<string, Known>();
  #open = 0;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /** A message on a topic below `thing/service/`; others, and replies, are none of ours. */
  take(topic: string, payload: Uint8Array, retained: boolean): void {
    const match = TOPIC.exec(topic);
    if (!match || topic.endsWith('_reply')) return;
    const [, productKey, deviceKey, service] = match as unknown as [string, string, string, string];
    const envelope = parseCommand(payload);
    // Without an id there is nobody to answer and no way to know a repeat.
    if (!envelope) return;
    const { id, params } = envelope;
    const answer = (given: CommandAnswer) => this.#answer(topic, id, given);
    const key = `${productKey}/${deviceKey}/${id}`;
    const content = JSON.stringify(params) ?? '';
    const known = this.#lookUp(key);
    if (service !== 'measurepoint/set') answer(refusal(NO_HANDLER, `service ${service} is not offered`));
    // Somebody wanted this once, at a time that nobody knows.
    else if (retained) answer(refusal(REFUSED_ID, 'a retained command is not carried out'));
    else if (known && known.content !== content) answer(refusal(REFUSED_ID, `id ${id} was used for another command`));
    else if (known?.answer) answer(known.answer);
    else if (!known) {
      const command = this.#command({ key, params, device: this.#options.device(productKey, deviceKey) });
      if ('code' in command) answer(command);
      else this.#run(command, content, answer);
    }
  }

  #command(asked: { key: string; params: unknown; device: EnosDevice | undefined }): SinkCommand | CommandAnswer {
    const { device, params } = asked;
    if (!this.#options.command) return refusal(NOT_ALLOWED, 'control is off for this sink');
    if (!device) return refusal(UNKNOWN_POINT, 'there is no such device here');
    if (this.#open >= MAX_OPEN) return refusal(BUSY, `${MAX_OPEN} commands wait already`);
    if (typeof params !== 'object' || params === null || Array.isArray(params)) {
      return refusal(TYPE, 'params must be an object of point and value');
    }
    const { asset } = device;
    // The list is by point number and has holes.
    const points = [...(this.#options.points(asset.model) ?? [])].filter((point) => point !== undefined);
    const types = new Map(points.map((point) => [point.id, point]));
    const values: { point: string; value: NonNullable<ReturnType<typeof commandValue>> }[] = [];
    for (const [point, raw] of Object.entries(params)) {
      const value = commandValue(raw, types.get(point));
      if (value === undefined) return refusal(TYPE, `${point} needs a number, a text or true and false`);
      values.push({ point, value });
    }
    if (values.length === 0) return refusal(TYPE, 'params holds no point');
    return { externalId: asked.key, asset: asset.asset, values, who: this.#options.who };
  }

  #run(command: SinkCommand, content: string, answer: (given: CommandAnswer) => void): void {
    const known: Known = { content, answer: null, endedMs: 0 };
    this.#known.set(command.externalId, known);
    this.#open++;
    const ended = (given: CommandAnswer) => {
      this.#open--;
      known.answer = given;
      known.endedMs = this.#options.clock.monotonicMs();
      // Moved to the end: the oldest end stands first.
      this.#known.delete(command.externalId);
      this.#known.set(command.externalId, known);
      answer(given);
    };
    const { command: pass } = this.#options;
    pass?.(command).then(ended, () => ended(refusal(BUSY, 'the command could not be passed on')));
  }

  #lookUp(key: string): Known | undefined {
    const now = this.#options.clock.monotonicMs();
    for (const [name, known] of this.#known) {
      if (!known.answer) continue;
      if (now - known.endedMs <= KEEP_MS && this.#known.size <= MAX_KEPT) break;
      this.#known.delete(name);
    }
    return this.#known.get(key);
  }

  #answer(topic: string, id: string | number, { code, message, data }: CommandAnswer): void {
    this.#options.reply(`${topic}_reply`, JSON.stringify({ id, code, message, data }));
  }
}
