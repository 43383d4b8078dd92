import type { PlanClass, PlanEntry, PlanFinding, SparePlaces, Tombstone } from './address-plan.js';
import { type Demand, demandsOf } from './demands.js';
import { lineParts, lineWidth, type PlanLine, spaceParts, spaceText } from './plan-lines.js';
import { firstStation, type PlanSettings, type Space, spacesOf } from './plan-settings.js';
import { serviceDemands } from './service-demands.js';
import { SpaceAllocator } from './space-allocator.js';
import type { PlanDevice, PlanSite } from './template.js';

interface Wish {
  readonly demand: Demand;
  readonly device: PlanDevice;
  readonly station: number;
  /** Position among all wishes of the device: the order in which new ones are placed. */
  address?: number;
  reservedId?: string;
}

function listAt(lists: Map<string, PlanLine[]>, key: string): PlanLine[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

const keyOf = (space: string, id: string): string => `${space} ${id}`;

/** One planning: lines of before go in, places come out. */
export class Planner {
  readonly #settings: PlanSettings;
  readonly #spaces: ReadonlyMap<PlanClass, Space>;
  readonly #site: PlanSite;
  readonly #lines: readonly PlanLine[];
  readonly #findings: PlanFinding[];
  readonly #allocators = new Map<string, SpaceAllocator>();
  readonly #taken = new Map<string, Set<number>>();
  readonly #byId = new Map<string, PlanLine[]>();
  readonly #reserved = new Map<string, PlanLine[]>();
  readonly #known = new Set<string>();
  readonly #used = new Set<PlanLine>();
  readonly #highest = new Map<string, number>();
  readonly #entries: PlanEntry[] = [];

  constructor(
    settings: PlanSettings,
    parts: { readonly site: PlanSite; readonly lines: readonly PlanLine[]; readonly findings: PlanFinding[] },
  ) {
    this.#settings = settings;
    this.#spaces = spacesOf(settings);
    this.#site = parts.site;
    // Written with other stations in mind, perhaps.
    this.#lines = parts.lines.map((line) => {
      const { name, station } = spaceParts(settings, line.space);
      return { ...line, space: spaceText(settings, name, station) };
    });
    this.#findings = parts.findings;
  }

  run(): { entries: PlanEntry[]; tombstones: Tombstone[]; spares: SparePlaces[] } {
    const demands = new Map(
      [...this.#site.templates].map(([id, template]) => [id, demandsOf(template, this.#settings, this.#findings)]),
    );
    const devices = [...this.#site.devices].sort((a, b) => a.index - b.index || (a.asset < b.asset ? -1 : 1));
    this.#readLines(new Set(devices.map(({ asset }) => asset)));
    const known = devices.filter(({ asset }) => this.#known.has(asset));
    const fresh = devices.filter(({ asset }) => !this.#known.has(asset));
    const wishes = known.map((device) => this.#wishes(device, demands.get(device.template) ?? []));
    // Keep everything first: what is new must not take a place that a later device still holds.
    for (const list of wishes) this.#keep(list);
    for (const list of wishes) this.#place(list);
    for (const device of fresh) this.#block(this.#wishes(device, demands.get(device.template) ?? []), device);
    this.#reportTail(known, fresh);
    this.#service(devices);
    return { entries: this.#entries, ...this.#left(new Set(devices.map(({ asset }) => asset))) };
  }

  /** What each space that is in use takes, for the check of bounds. */
  *spaces(): Iterable<{
    readonly space: Space;
    readonly station: number;
    readonly tail: number;
    readonly count: number;
  }> {
    for (const [key, allocator] of this.#allocators) {
      const { station } = spaceParts(this.#settings, key);
      yield { space: allocator.space, station, tail: allocator.tail, count: allocator.count };
    }
  }

  #allocator(text: string): SpaceAllocator | undefined {
    const known = this.#allocators.get(text);
    if (known) return known;
    const { name, station } = spaceParts(this.#settings, text);
    const space = this.#spaces.get(name);
    if (!space) return undefined;
    const domain = `${space.domain}@${station}`;
    const taken = this.#taken.get(domain) ?? new Set<number>();
    this.#taken.set(domain, taken);
    const made = new SpaceAllocator(space, taken);
    this.#allocators.set(text, made);
    return made;
  }

  #readLines(present: ReadonlySet<string>): void {
    const parts = this.#lines.map((line) => ({ line, ...lineParts(line.id) }));
    for (const { line, asset, reserved, isSpare } of parts) {
      if (asset !== '') this.#known.add(asset);
      if (isSpare || reserved !== undefined) continue;
      this.#allocator(line.space)?.hold(line.number, lineWidth(line));
      const list = listAt(this.#byId, keyOf(line.space, line.id));
      // A live line goes before a tombstone of the same id.
      if (line.state === '') list.unshift(line);
      else list.push(line);
    }
    // Of a lock that was merged by hand points count more than places for later.
    for (const { line, asset, reserved } of parts) {
      if (reserved === undefined) continue;
      this.#highest.set(asset, Math.max(this.#highest.get(asset) ?? 0, reserved));
      const isHeld = this.#allocator(line.space)?.hold(line.number, lineWidth(line)) ?? true;
      if (isHeld) listAt(this.#reserved, keyOf(line.space, asset)).push(line);
      else this.#used.add(line);
    }
    for (const { line, asset, isSpare } of parts) {
      if (!isSpare) continue;
      const allocator = this.#allocator(line.space);
      if (!allocator) continue;
      const isPresent = present.has(asset);
      for (let at = line.number; at < line.number + lineWidth(line); at++) {
        if (allocator.hold(at, 1) && isPresent) allocator.spare(asset, at, 1);
      }
      if (isPresent) this.#used.add(line);
    }
    for (const list of this.#reserved.values()) {
      list.sort((a, b) => Number(a.state !== '') - Number(b.state !== '') || a.number - b.number);
    }
  }

  #station(device: PlanDevice): number {
    const { kind } = this.#settings;
    const first = firstStation(this.#settings);
    if (kind === 'modbus') return this.#settings.units === 'one' ? first : first + device.index;
    if (this.#settings.stations === 'per-device') return first + device.index;
    return this.#settings.stations === 'per-group' ? first + (device.group ?? 0) : first;
  }

  #wishes(device: PlanDevice, demands: readonly Demand[]): Wish[] {
    const station = this.#station(device);
    return demands.map((demand) => ({ demand, device, station }));
  }

  #spaceOf({ demand, station }: Wish): string {
    return spaceText(this.#settings, demand.class, station);
  }

  #keep(wishes: readonly Wish[]): void {
    for (const wish of wishes) {
      const { demand, device } = wish;
      if (demand.point === undefined) continue;
      const id = `${device.asset}/${demand.point}`;
      const lines = this.#byId.get(keyOf(this.#spaceOf(wish), id)) ?? [];
      const same = lines.find((line) => line.type === demand.type && !this.#used.has(line));
      const live = lines.find((line) => line.state === '');
      const isInPlace = this.#settings.retype?.has(id) && live && lineWidth(live) === demand.width;
      const kept = isInPlace ? live : same;
      if (!kept) continue;
      this.#used.add(kept);
      wish.address = kept.number;
    }
    for (const wish of wishes) this.#replace(wish);
    for (const wish of wishes) {
      if (wish.demand.point !== undefined) continue;
      const found = this.#freeReserved(wish);
      if (!found) continue;
      this.#used.add(found);
      wish.address = found.number;
      wish.reservedId = found.id;
    }
  }

  /** The reserved place that a row names. */
  #replace(wish: Wish): void {
    const { demand, device } = wish;
    if (demand.replaces === undefined || wish.address !== undefined) return;
    const lines = this.#reserved.get(keyOf(this.#spaceOf(wish), device.asset)) ?? [];
    const id = `${device.asset}/reserved.${demand.replaces}`;
    const line = lines.find((one) => one.id === id && !this.#used.has(one));
    const fits = line && lineWidth(line) === demand.width && (!demand.isEven || line.number % 2 === 0);
    if (fits) {
      this.#used.add(line);
      wish.address = line.number;
      return;
    }
    const reason = line
      ? `reserved.${demand.replaces} takes ${lineWidth(line)} places, ${demand.type} takes ${demand.width}`
      : `its device has no reserved place ${demand.replaces} of class ${demand.class}`;
    this.#findings.push({
      severity: 'error',
      code: 'FORWARD_PLACE',
      params: { point: demand.point ?? '', reason },
      asset: device.asset,
      template: device.template,
      row: demand.row,
    });
  }

  #freeReserved(wish: Wish): PlanLine | undefined {
    const { demand, device } = wish;
    const lines = this.#reserved.get(keyOf(this.#spaceOf(wish), device.asset)) ?? [];
    return lines.find(
      (line) =>
        !this.#used.has(line) &&
        lineWidth(line) === demand.width &&
        (demand.point !== undefined || line.type === demand.type) &&
        (!demand.isEven || line.number % 2 === 0),
    );
  }

  /** What is new in a device that has addresses: a reserved place left over, a free one of its block, the tail. */
  #place(wishes: readonly Wish[]): void {
    for (const wish of wishes) {
      if (wish.address === undefined && wish.demand.point !== undefined) {
        const line = this.#freeReserved(wish);
        if (line) {
          this.#used.add(line);
          wish.address = line.number;
        }
      }
    }
    for (const wish of wishes) {
      const { demand, device } = wish;
      const allocator = this.#allocator(this.#spaceOf(wish));
      wish.address ??=
        allocator?.takeSpare(device.asset, demand.width, demand.isEven) ??
        allocator?.takeTail(demand.width, demand.isEven);
      this.#emit(wish);
    }
  }

  /** A new device: its rows one after the other at the tail of each space, spare places behind them. */
  #block(wishes: readonly Wish[], { asset }: PlanDevice): void {
    const touched = new Set<SpaceAllocator>();
    for (const wish of wishes) {
      const allocator = this.#allocator(this.#spaceOf(wish));
      if (!allocator) continue;
      touched.add(allocator);
      wish.address = allocator.takeTail(wish.demand.width, wish.demand.isEven);
      this.#emit(wish);
    }
    for (const allocator of touched) {
      for (let place = 0; place < allocator.space.spare; place++) {
        allocator.spare(asset, allocator.takeTail(1, false), 1);
      }
    }
  }

  #emit({ demand, device, station, address = 0, reservedId }: Wish): void {
    const { asset } = device;
    let id = `${asset}/${demand.point}`;
    if (demand.point === undefined) {
      const next = (this.#highest.get(asset) ?? 0) + 1;
      id = reservedId ?? `${asset}/reserved.${next}`;
      if (reservedId === undefined) this.#highest.set(asset, next);
    }
    this.#entries.push({ id, asset, ...demand.entry, station, address });
  }

  #reportTail(known: readonly PlanDevice[], fresh: readonly PlanDevice[]): void {
    const highest = known.at(-1)?.index;
    for (const { asset, index } of fresh) {
      if (highest === undefined || index > highest) continue;
      this.#findings.push({ severity: 'note', code: 'FORWARD_TAIL', params: { asset, index }, asset });
    }
  }

  #service(devices: readonly PlanDevice[]): void {
    const station = firstStation(this.#settings);
    const space = spaceText(this.#settings, 'service', station);
    const allocator = this.#allocator(space);
    const demands = serviceDemands(
      this.#settings,
      devices.map(({ asset }) => asset),
    );
    const kept = demands.map(({ id, type }) => {
      const line = this.#byId.get(keyOf(space, id))?.find((one) => one.type === type);
      if (line) this.#used.add(line);
      return line?.number;
    });
    demands.forEach(({ id, asset, width, entry }, index) => {
      const address = kept[index] ?? allocator?.takeTail(width, false) ?? 0;
      this.#entries.push({ id, ...(asset === undefined ? {} : { asset }), ...entry, station, address });
    });
  }

  /** Lines that nobody has now: free in the block of a device that is there, else never to be used again. */
  #left(present: ReadonlySet<string>): { tombstones: Tombstone[]; spares: SparePlaces[] } {
    const tombstones: Tombstone[] = [];
    for (const line of this.#lines) {
      if (this.#used.has(line)) continue;
      const { asset, reserved } = lineParts(line.id);
      const { name, station } = spaceParts(this.#settings, line.space);
      const width = lineWidth(line);
      if (reserved !== undefined && present.has(asset)) {
        this.#allocator(line.space)?.spare(asset, line.number, width);
      } else {
        tombstones.push({ id: line.id, class: name, station, address: line.number, width, type: line.type });
      }
    }
    const spares = [...this.#allocators].flatMap(([text, allocator]) => {
      const { name, station } = spaceParts(this.#settings, text);
      return allocator.spares().map((run) => ({ class: name, station, ...run }));
    });
    return { tombstones, spares };
  }
}
