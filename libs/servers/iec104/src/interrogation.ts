import type { PlanEntry } from '@busbar/address-plan';
import { type AsduSettings, ElementWriter, type PrebuiltAsdus, prebuildAsdus } from '@busbar/protocol-iec104';
import type { PointImage } from '@busbar/server-sdk';
import type { Selection, StationMap } from './station-map.js';
import { imageWire, type LostRule, qualityBits, typeOf } from './wire-point.js';

/** ASDUs of one type of a selection, and which slots are in each. */
interface Block {
  readonly asdus: PrebuiltAsdus;
  readonly writer: ElementWriter;
  /** In the order of `asdus.places`. */
  readonly slots: readonly number[];
  /** By ASDU: positions in `slots`. */
  readonly members: readonly (readonly number[])[];
}

export interface InterrogationParts {
  readonly settings: AsduSettings;
  readonly isSequenceAllowed: boolean;
  readonly lost: LostRule;
}

/** Prebuilt answers to interrogations of one plan; all links share them, since each ASDU is written just before it is sent. */
export class InterrogationBook {
  readonly #parts: InterrogationParts;
  readonly #map: StationMap;
  readonly #blocks = new Map<string, readonly Block[]>();

  constructor(map: StationMap, parts: InterrogationParts) {
    this.#map = map;
    this.#parts = parts;
  }

  /**
   * The ASDUs of an interrogation, one by one, each with the values of the moment in which it is asked for: whatever was
   * sent meanwhile by itself, the last word is the newest. The octets are overwritten by the next one.
   */
  *read(
    station: number,
    selection: Selection,
    { cause, image }: { readonly cause: number; readonly image: PointImage },
  ) {
    const { entries } = this.#map.plan;
    const { lost } = this.#parts;
    for (const { asdus, writer, slots, members } of this.#of(station, selection)) {
      for (let index = 0; index < members.length; index++) {
        for (const position of members[index] as readonly number[]) {
          const slot = slots[position] as number;
          const bits = qualityBits(image.quality[slot] as number, lost);
          const value = imageWire(entries[slot] as PlanEntry, image, slot);
          writer.put(asdus.octets, asdus.places[position] as number, value, bits);
        }
        const octets = asdus.octets.subarray(asdus.starts[index], asdus.starts[index + 1]);
        octets[2] = cause;
        yield octets;
      }
    }
  }

  #of(station: number, selection: Selection): readonly Block[] {
    const key = `${station} ${selection}`;
    const known = this.#blocks.get(key);
    if (known) return known;
    const slots = this.#map.selected(station, selection);
    const byType = new Map<number, number[]>();
    for (const slot of slots) {
      const type = typeOf(this.#map.plan.entries[slot] as PlanEntry)?.untimed as number;
      const list = byType.get(type) ?? [];
      byType.set(type, list);
      list.push(slot);
    }
    const blocks = [...byType].map(([type, list]) => this.#block(station, type, list));
    this.#blocks.set(key, blocks);
    return blocks;
  }

  #block(station: number, type: number, slots: readonly number[]): Block {
    const { settings, isSequenceAllowed } = this.#parts;
    const addresses = Uint32Array.from(slots, (slot) => this.#map.plan.entries[slot]?.address ?? 0);
    const header = { type, cause: 0, commonAddress: station };
    const asdus = prebuildAsdus({ header, addresses, isSequenceAllowed }, settings);
    const members: number[][] = Array.from({ length: asdus.starts.length - 1 }, () => []);
    asdus.places.forEach((place, position) => void members[asduAt(asdus.starts, place)]?.push(position));
    return { asdus, writer: new ElementWriter(type), slots, members };
  }
}

/** Index of the ASDU in which a place lies. */
function asduAt(starts: Uint32Array, place: number): number {
  let [low, high] = [0, starts.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= place) low = middle;
    else high = middle;
  }
  return low;
}
