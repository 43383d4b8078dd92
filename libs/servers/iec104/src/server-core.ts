import {
  AsduBuilder,
  type AsduSettings,
  DEFAULT_LINK_SETTINGS,
  type LinkSettings,
  type TimeZone,
  timeZone,
} from '@busbar/protocol-iec104';
import type { PointImage, Replan, ServerHost } from '@busbar/server-sdk';
import type { Iec104Config } from './config.js';
import { InterrogationBook } from './interrogation.js';
import { MasterGroup } from './master-group.js';
import { StationMap } from './station-map.js';

/** What all links of a server share. */
export class ServerCore {
  readonly host: ServerHost<Iec104Config>;
  readonly settings: AsduSettings;
  readonly link: LinkSettings;
  readonly zone: TimeZone;
  map: StationMap;
  book: InterrogationBook;
  image: PointImage;
  clients: ServerHost<Iec104Config>['clients'];
  control: boolean;
  readonly #groups = new Map<string, MasterGroup>();
  readonly #builders = new Map<string, AsduBuilder>();

  constructor(host: ServerHost<Iec104Config>) {
    const { config } = host;
    this.host = host;
    this.settings = {
      causeOctets: config.causeOctets,
      commonAddressOctets: config.caOctets,
      objectAddressOctets: config.ioaOctets,
    };
    const { k, w, t1, t2, t3 } = config;
    this.link = { ...DEFAULT_LINK_SETTINGS, k, w, t1Ms: t1, t2Ms: t2, t3Ms: t3 };
    this.zone = timeZone(config.timezone);
    this.image = host.image;
    this.clients = host.clients;
    this.control = host.control;
    this.map = new StationMap(host.plan);
    this.book = this.#newBook();
    // A group that nobody has joined yet queues as well.
    for (const { group } of host.clients) this.group(group);
  }

  get groups(): IterableIterator<MasterGroup> {
    return this.#groups.values();
  }

  group(name: string): MasterGroup {
    const known = this.#groups.get(name);
    if (known) return known;
    const group = new MasterGroup(name, {
      cursor: this.host.queue.cursor(name),
      entries: this.map.plan.entries,
      image: this.image,
      lost: this.host.config.lost,
    });
    this.#groups.set(name, group);
    return group;
  }

  /** Packs timed values of a type, station and cause; empty between two uses. */
  builder(type: number, station: number, cause: number): AsduBuilder {
    const key = `${type} ${station} ${cause}`;
    const known = this.#builders.get(key);
    if (known) return known;
    const builder = new AsduBuilder({ type, cause, commonAddress: station }, this.zone, this.settings);
    this.#builders.set(key, builder);
    return builder;
  }

  replan({ plan, image, clients, control }: Replan): void {
    this.map = new StationMap(plan);
    this.image = image;
    this.clients = clients;
    this.control = control;
    this.book = this.#newBook();
    for (const { group } of clients) this.group(group);
    for (const group of this.#groups.values()) group.replan(plan.entries, image);
  }

  #newBook(): InterrogationBook {
    const { sequences, lost } = this.host.config;
    return new InterrogationBook(this.map, { settings: this.settings, isSequenceAllowed: sequences, lost });
  }
}
