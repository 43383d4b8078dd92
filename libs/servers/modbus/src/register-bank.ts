import type { AddressPlan, ModbusArea, PlanClass, PlanEntry, Tombstone } from '@busbar/address-plan';
import { type ByteOrder, bad, GOOD } from '@busbar/model';
import { setBit } from '@busbar/protocol-modbus';
import type { PointImage } from '@busbar/server-sdk';
import { Place, putFill } from './place.js';
import { mergedSpans, RegisterRun, type Span } from './register-run.js';
import { isResult } from './result-block.js';

const BAD = bad('none');
const NOT_CONNECTED = bad('not-connected');
const NEVER_READ = bad('never-read');

export interface BankRules {
  readonly lost: 'fill' | 'last' | 'exception';
  readonly isPerUnit: boolean;
  /** Of dead places, whose own one nobody knows any more. */
  readonly order: ByteOrder;
  /** Input registers can be read as holding registers too: the plan keeps their addresses apart. */
  readonly mirror: boolean;
}

type Areas = Readonly<Record<ModbusArea, readonly RegisterRun[]>>;
type Spans = Readonly<Record<ModbusArea, readonly Span[]>>;

interface QualityBit {
  readonly octets: Uint8Array;
  readonly bit: number;
}

function areaOf(name: PlanClass): ModbusArea {
  if (name === 'quality') return 'discrete';
  return name === 'service' ? 'input' : (name as ModbusArea);
}

/** From the first to the last place of each class, dead and spare ones too: a block read must not fail on a hole. */
function spansByUnit({ entries, tombstones, spares }: AddressPlan): ReadonlyMap<number, Spans> {
  const units = new Map<number, Map<PlanClass, { first: number; end: number }>>();
  for (const { class: name, station, address, width } of [...entries, ...tombstones, ...spares]) {
    const classes = units.get(station) ?? new Map<PlanClass, { first: number; end: number }>();
    units.set(station, classes);
    const span = classes.get(name) ?? { first: address, end: address };
    classes.set(name, span);
    span.first = Math.min(span.first, address);
    span.end = Math.max(span.end, address + width);
  }
  return new Map(
    [...units].map(([station, classes]) => {
      const spans = (area: ModbusArea) =>
        mergedSpans([...classes].filter(([name]) => areaOf(name) === area).map(([, span]) => span));
      const [coil, discrete, input, holding] = [spans('coil'), spans('discrete'), spans('input'), spans('holding')];
      return [station, { coil, discrete, input, holding }];
    }),
  );
}

/** All that can be read, as octets of the wire, kept up to date by slots. */
export class RegisterBank {
  readonly plan: AddressPlan;
  readonly #rules: BankRules;
  readonly #image: PointImage;
  readonly #units = new Map<number, Areas>();
  /** By slot; none for reserved places and quality bits. */
  readonly #places: (Place | undefined)[];
  readonly #qualityBits: (QualityBit | undefined)[];

  /** @param before the bank that this one replaces: what a lost device showed last goes on being shown. */
  constructor(parts: { plan: AddressPlan; image: PointImage; rules: BankRules }, before?: RegisterBank) {
    const { plan, image, rules } = parts;
    this.plan = plan;
    this.#image = image;
    this.#rules = rules;
    for (const [station, spans] of spansByUnit(plan)) {
      const runs = (area: ModbusArea, isBit: boolean) => spans[area].map((span) => new RegisterRun(span, isBit));
      const bits = { coil: runs('coil', true), discrete: runs('discrete', true) };
      this.#units.set(station, { ...bits, input: runs('input', false), holding: runs('holding', false) });
    }
    this.#fillHoles();
    this.#places = plan.entries.map((entry, slot) => this.#placeOf(entry, slot));
    this.#qualityBits = this.#bitsOfValues();
    if (before && rules.lost === 'last') this.#keepLast(before);
    for (let slot = 0; slot < plan.entries.length; slot++) this.#show(slot);
  }

  apply(slots: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#show(slots[i] as number);
  }

  /** Is there a unit with this id? With one unit for all, every id is it. */
  hasUnit(unit: number): boolean {
    return !this.#rules.isPerUnit || this.#units.has(unit);
  }

  /** The run that holds all of a range; undefined: beyond the plan. */
  run(unit: number, area: ModbusArea, range: { address: number; quantity: number }): RegisterRun | undefined {
    const areas = this.#rules.isPerUnit ? this.#units.get(unit) : this.#units.values().next().value;
    const { address, quantity } = range;
    const own = areas?.[area].find((run) => run.holds(address, quantity));
    if (own || area !== 'holding' || !this.#rules.mirror) return own;
    return areas?.input.find((run) => run.holds(address, quantity));
  }

  entryAt(run: RegisterRun, address: number): { readonly entry: PlanEntry; readonly slot: number } | undefined {
    const slot = run.slotAt[address - run.first] ?? -1;
    const entry = this.plan.entries[slot];
    return entry && { entry, slot };
  }

  /** The register at an address whose value is good now; undefined for any other. */
  presentRegister(run: RegisterRun, address: number): number | undefined {
    const at = address - run.first;
    if (this.#image.quality[run.slotAt[at] as number] !== GOOD) return undefined;
    return ((run.octets[at * 2] as number) << 8) | (run.octets[at * 2 + 1] as number);
  }

  /** With the rule `exception`: is every value of the range lost, and at least one there? */
  isAllLost(run: RegisterRun, address: number, quantity: number): boolean {
    if (this.#rules.lost !== 'exception') return false;
    let isLost = false;
    for (let at = address - run.first; at < address - run.first + quantity; at++) {
      const place = this.#places[run.slotAt[at] as number];
      if (!place) continue;
      if (!place.isLost) return false;
      isLost = true;
    }
    return isLost;
  }

  #placeOf(entry: PlanEntry, slot: number): Place | undefined {
    if (entry.role === 'reserved' || entry.role === 'quality') return undefined;
    const { station, address, width } = entry;
    const run = this.#runAt(station, entry.class, address);
    if (!run) return undefined;
    run.hasResults ||= isResult(entry);
    run.slotAt.fill(slot, address - run.first, address - run.first + width);
    const place = new Place(entry, run.octets, run.isBit ? address - run.first : (address - run.first) * 2);
    place.fill();
    return place;
  }

  #runAt(station: number, name: PlanClass, address: number): RegisterRun | undefined {
    return this.#units.get(station)?.[areaOf(name)].find((run) => run.holds(address, 1));
  }

  #fillHoles(): void {
    for (const areas of this.#units.values()) {
      for (const run of [...areas.input, ...areas.holding]) run.octets.fill(0xff);
    }
    const reserved = this.plan.entries.filter(({ role }) => role === 'reserved');
    const holes: readonly (Tombstone & { readonly order?: ByteOrder })[] = [...reserved, ...this.plan.tombstones];
    for (const place of holes) {
      const run = this.#runAt(place.station, place.class, place.address);
      if (!run || run.isBit) continue;
      const { type, width } = place;
      const order = place.order ?? this.#rules.order;
      putFill(run.octets, (place.address - run.first) * 2, { type, width, order });
    }
  }

  #bitsOfValues(): (QualityBit | undefined)[] {
    const key = (station: number, name: PlanClass, address: number) => `${station} ${name} ${address}`;
    const slots = new Map(this.plan.entries.map((one, slot) => [key(one.station, one.class, one.address), slot]));
    const bits = new Array<QualityBit | undefined>(this.plan.entries.length).fill(undefined);
    for (const { role, pair, station, class: name, address } of this.plan.entries) {
      if (role !== 'quality' || !pair) continue;
      const slot = slots.get(key(station, pair.class, pair.address));
      const run = this.#runAt(station, name, address);
      if (slot !== undefined && run) bits[slot] = { octets: run.octets, bit: address - run.first };
    }
    return bits;
  }

  #keepLast(before: RegisterBank): void {
    const key = ({ id, role, station, address, type, order, scale, offset, values }: PlanEntry) =>
      JSON.stringify([id, role, station, address, type, order, scale, offset, values]);
    const known = new Map(before.#places.flatMap((place) => (place ? [[key(place.entry), place] as const] : [])));
    for (const place of this.#places) {
      const last = place && known.get(key(place.entry));
      if (place && last) place.copyFrom(last);
    }
  }

  #show(slot: number): void {
    const place = this.#places[slot];
    if (!place) return;
    const quality = this.#image.quality[slot] as number;
    const bit = this.#qualityBits[slot];
    if (bit) setBit(bit.octets, bit.bit, quality === GOOD);
    place.isLost = place.hasDevice && (quality === NOT_CONNECTED || quality === NEVER_READ);
    if (place.isLost && this.#rules.lost === 'last') {
      place.show(this.#image, slot);
      return;
    }
    if (quality >= BAD || !place.show(this.#image, slot)) place.fill();
  }
}
