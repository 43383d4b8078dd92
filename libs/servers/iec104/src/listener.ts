import { CAUSE } from '@busbar/protocol-iec104';
import {
  type ClientHandler,
  ClientListener,
  type Listening,
  type Replan,
  type ServerClient,
  type ServerHost,
} from '@busbar/server-sdk';
import type { Iec104Config } from './config.js';
import { MasterLink } from './master-link.js';
import { ServerCore } from './server-core.js';
import type { Round } from './station-map.js';

/** A master's own links beyond this are refused: it forgot to close them. */
const LINKS_PER_CLIENT = 4;

interface Handler extends ClientHandler {
  readonly link: MasterLink;
}

/** The links of masters, and what all of them see. */
export class Iec104Listener implements Listening {
  readonly #host: ServerHost<Iec104Config>;
  readonly #core: ServerCore;
  readonly #clients: ClientListener<Handler>;
  /** Timers of what is sent without being asked for. */
  readonly #rounds = new Map<Round, unknown>();
  #isClosed = false;

  constructor(host: ServerHost<Iec104Config>) {
    this.#host = host;
    this.#core = new ServerCore(host);
    this.#clients = new ClientListener<Handler>(host, {
      mostPerClient: LINKS_PER_CLIENT,
      begin: ({ socket, ...who }) => this.#handlerOf(new MasterLink(this.#core, socket, who)),
    });
  }

  get port(): number {
    return this.#clients.port;
  }

  async open(signal: AbortSignal): Promise<this> {
    await this.#clients.open(signal);
    // What is known is told to every master once it comes, interrogation or not.
    for (let slot = 0; slot < this.#core.image.slots; slot++) for (const group of this.#core.groups) group.mark(slot);
    for (const round of ['cyclic', 'background'] as const) this.#schedule(round);
    return this;
  }

  apply(slots: Uint32Array, count: number): void {
    for (const group of this.#core.groups) {
      for (let i = 0; i < count; i++) group.mark(slots[i] as number);
      group.active?.wake();
    }
  }

  replan(next: Replan): boolean {
    if (next.plan.kind !== 'iec104') return false;
    this.#core.replan(next);
    this.#clients.allow(next.clients);
    return true;
  }

  clients(): readonly ServerClient[] {
    return this.#clients.handlers.map(({ link }) => link.status());
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#rounds.values()) this.#host.timers.clearTimeout(timer);
    return this.#clients.close();
  }

  #handlerOf(link: MasterLink): Handler {
    return {
      link,
      receive: (chunk) => link.receive(chunk),
      drained: () => link.wake(),
      became: (client) => {
        if (client.name !== link.client.name || client.group !== link.client.group) return false;
        link.client = client;
        link.replanned();
        return true;
      },
      gone: () => {
        link.gone();
        this.#host.controls.linkLost(link.id);
      },
    };
  }

  /** Rows marked cyclic or background, to every active master. */
  #schedule(round: Round): void {
    const { timers, config } = this.#host;
    if (this.#isClosed) return;
    const [cause, everyMs] =
      round === 'cyclic' ? [CAUSE.periodic, config.cyclicEvery] : [CAUSE.background, config.backgroundEvery];
    const work = () => {
      for (const group of this.#core.groups) group.active?.sendRound(round, () => this.#asdus(round, cause));
      this.#schedule(round);
    };
    this.#rounds.set(round, timers.setTimeout(work, everyMs));
  }

  *#asdus(round: Round, cause: number): Generator<Uint8Array> {
    const { map } = this.#core;
    for (const station of map.stations.keys()) {
      if (map.selected(station, round).length === 0) continue;
      yield* this.#core.book.read(station, round, { cause, image: this.#core.image });
    }
  }
}
