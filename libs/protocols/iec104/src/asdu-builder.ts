import {
  type AsduHeaderInput,
  type AsduSettings,
  DEFAULT_ASDU_SETTINGS,
  headerOctets,
  maxObjectAddress,
  ObjectAddressWriter,
  objectsPerAsdu,
  writeHeader,
} from './asdu-settings.js';
import { sentType } from './encode-asdu.js';
import { ElementWriter } from './prebuild-asdus.js';
import { refuse, requireInteger } from './refuse.js';
import { TimeTagWriter } from './time-tag.js';
import type { TimeZone } from './time-zone.js';

/** One value with its stamp; without one in an untimed type. */
export interface StampedValue {
  readonly address: number;
  readonly value: number;
  /** QUALITY_BIT bits. */
  readonly quality: number;
  readonly epochMs?: number;
  /** TIME_BIT bits. */
  readonly timeMarks?: number;
}

/** Packs values of one type and cause into an ASDU, one after the other, SQ = 0; the rules of ElementWriter hold. */
export class AsduBuilder {
  /** Objects that one ASDU takes. */
  readonly capacity: number;
  private readonly octets: Uint8Array;
  private readonly elements: ElementWriter;
  private readonly addresses: ObjectAddressWriter;
  private readonly stamps: TimeTagWriter;
  private readonly timeAt: number;
  private readonly elementOctets: number;
  private at: number;
  private objects = 0;

  constructor(
    header: AsduHeaderInput,
    zone: TimeZone,
    private readonly settings: AsduSettings = DEFAULT_ASDU_SETTINGS,
  ) {
    const layout = sentType(header.type);
    this.elements = new ElementWriter(header.type);
    this.addresses = new ObjectAddressWriter(settings);
    this.stamps = new TimeTagWriter(zone);
    this.timeAt = layout.timeAt;
    this.elementOctets = layout.elementOctets;
    this.capacity = objectsPerAsdu(layout.elementOctets, false, settings);
    this.at = headerOctets(settings);
    this.octets = new Uint8Array(this.at + this.capacity * (settings.objectAddressOctets + this.elementOctets));
    writeHeader(this.octets, header, settings);
  }

  /** Objects added since the last `take`. */
  get count(): number {
    return this.objects;
  }

  /** Throws FRAME_INVALID when full, and for an address out of range. */
  add({ address, value, quality, epochMs = Number.NaN, timeMarks = 0 }: StampedValue): void {
    if (this.objects === this.capacity) refuse(`more than ${this.capacity} objects`);
    requireInteger('object address', address, { min: 0, max: maxObjectAddress(this.settings) });
    this.addresses.put(this.octets, this.at, address);
    const element = this.at + this.settings.objectAddressOctets;
    this.elements.put(this.octets, element, value, quality);
    if (this.timeAt >= 0) this.stamps.put(this.octets, element + this.timeAt, epochMs, timeMarks);
    this.at = element + this.elementOctets;
    this.objects += 1;
  }

  /** The ASDU, a copy; the builder is empty again. Throws FRAME_INVALID if nothing was added. */
  take(): Uint8Array {
    if (this.objects === 0) refuse('an ASDU without objects');
    this.octets[1] = this.objects;
    const asdu = this.octets.slice(0, this.at);
    this.at = headerOctets(this.settings);
    this.objects = 0;
    return asdu;
  }
}
