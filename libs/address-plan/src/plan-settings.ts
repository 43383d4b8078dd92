import { BYTE_ORDERS } from '@busbar/model';
import { z } from 'zod';
import { IEC104_CLASSES, MODBUS_AREAS, type PlanClass, type PlanKind } from './address-plan.js';

const ioa = z.number().int().min(1).max(16_777_215);
const register = z.number().int().min(0).max(65_535);
const places = z.number().int().min(0).max(1_000);

/** Fields of an IEC 104 server's settings that its address plan is made of. A server puts them into its own schema. */
export const iec104PlanFields = {
  ca: z
    .number()
    .int()
    .min(1)
    .max(65_534)
    .default(1)
    .meta({ title: 'Common address', description: 'Station address; the first one where there are several.' }),
  stations: z.enum(['one', 'per-device', 'per-group']).default('one').meta({
    title: 'Stations',
    description: 'One common address for all, or one per device (first + index) or per group (first + group).',
  }),
  ioaOctets: z
    .union([z.literal(2), z.literal(3)])
    .default(3)
    .meta({ title: 'Octets of an object address', description: 'Some masters take two octets only.' }),
  starts: z
    .strictObject({
      YX: ioa.default(1),
      YC: ioa.default(16_385),
      YM: ioa.default(25_601),
      YK: ioa.default(24_577),
      YT: ioa.default(25_089),
    })
    .prefault({})
    .meta({ title: 'First addresses', description: 'First object address of each class.' }),
  spare: z
    .partialRecord(z.enum(IEC104_CLASSES), places)
    .default({})
    .meta({ title: 'Spare places', description: 'Free places after each device, by class.' }),
  service: z
    .strictObject({ start: ioa.default(61_441) })
    .prefault({})
    .meta({ title: 'Service points', description: 'First object address of the points about the connection itself.' }),
};

/** The same for a Modbus server. */
export const modbusPlanFields = {
  unitId: z
    .number()
    .int()
    .min(0)
    .max(255)
    .default(1)
    .meta({ title: 'Unit', description: 'Unit id; the first one where there are several.' }),
  units: z
    .enum(['one', 'per-device'])
    .default('one')
    .meta({ title: 'Units', description: 'One unit for all, or one per device (first + index).' }),
  starts: z
    .strictObject({
      coil: register.default(0),
      discrete: register.default(0),
      input: register.default(0),
      holding: register.default(0),
    })
    .prefault({})
    .meta({ title: 'First addresses', description: 'First register or bit of each area.' }),
  spare: z
    .partialRecord(z.enum(MODBUS_AREAS), places)
    .default({})
    .meta({ title: 'Spare places', description: 'Free registers or bits after each device, by area.' }),
  align: z
    .boolean()
    .default(false)
    .meta({ title: 'Even starts', description: 'Values of more than one register start at an even one.' }),
  order: z
    .enum(BYTE_ORDERS)
    .default('ABCD')
    .meta({ title: 'Word order', description: 'Order of octets of values of more than one register.' }),
  qualityStart: register.optional().meta({
    title: 'Quality bits',
    description: 'First discrete input of one bit per value, 1 for good; without it there are none.',
  }),
  mirror: z
    .boolean()
    .default(false)
    .meta({ title: 'Mirror', description: 'Input registers can be read as holding registers too.' }),
  service: z
    .strictObject({ start: register.default(60_000) })
    .prefault({})
    .meta({ title: 'Service block', description: 'First input register of the numbers about the connection itself.' }),
};

const iec104Schema = z.object(iec104PlanFields);
const modbusSchema = z.object(modbusPlanFields);

export interface PlanOptions {
  /** Does the connection take commands? Without it there are no addresses for them. */
  readonly control: boolean;
  /** `dense`: the first plan again each time, whatever was published. */
  readonly policy?: 'keep' | 'dense';
  /** The first plan once more: all tombstones are given up. */
  readonly renumber?: boolean;
  /** `<asset>/<point>` that keep their address though their type changes. */
  readonly retype?: ReadonlySet<string>;
  /** `<asset>/<point>` whose tombstones are given up. */
  readonly release?: ReadonlySet<string>;
}

export type PlanSettings = PlanOptions &
  (
    | ({ readonly kind: 'iec104' } & z.output<typeof iec104Schema>)
    | ({ readonly kind: 'modbus' } & z.output<typeof modbusSchema>)
  );

/** Settings of a plan out of all settings of a server; fields that are none of the plan are left out. Throws ZodError. */
export function planSettings(kind: PlanKind, settings: unknown, options: PlanOptions): PlanSettings {
  return kind === 'iec104'
    ? { ...options, kind, ...iec104Schema.parse(settings) }
    : { ...options, kind, ...modbusSchema.parse(settings) };
}

/** A run of addresses, and the addresses that it may not share with others of its domain. */
export interface Space {
  readonly class: PlanClass;
  /** Spaces of one domain share their addresses. */
  readonly domain: string;
  readonly start: number;
  /** Last address that it may take. */
  readonly end: number;
  /** What begins behind it; undefined: the protocol ends there. */
  readonly next: string | undefined;
  /** Free places after the block of a new device. */
  readonly spare: number;
}

type Draft = Omit<Space, 'end' | 'next' | 'spare'>;

/** All spaces of a station, in the order in which a plan lists them. */
export function spacesOf(settings: PlanSettings): ReadonlyMap<PlanClass, Space> {
  const drafts: Draft[] =
    settings.kind === 'iec104'
      ? [
          ...IEC104_CLASSES.map((name) => ({ class: name, domain: 'ioa', start: settings.starts[name] })),
          { class: 'service' as const, domain: 'ioa', start: settings.service.start },
        ]
      : [
          ...MODBUS_AREAS.map((name) => ({
            class: name,
            // Mirrored inputs are read at the same addresses as what is written.
            domain: settings.mirror && name === 'holding' ? 'input' : name,
            start: settings.starts[name],
          })),
          ...(settings.qualityStart === undefined
            ? []
            : [{ class: 'quality' as const, domain: 'discrete', start: settings.qualityStart }]),
          { class: 'service' as const, domain: 'input', start: settings.service.start },
        ];
  const last = settings.kind === 'modbus' || settings.ioaOctets === 2 ? 65_535 : 16_777_215;
  const spare: Readonly<Partial<Record<PlanClass, number>>> = settings.spare;
  return new Map(
    drafts.map((draft) => {
      const behind = drafts
        .filter((other) => other !== draft && other.domain === draft.domain && other.start >= draft.start)
        .sort((a, b) => a.start - b.start)[0];
      const end = behind && behind.start <= last ? behind.start - 1 : last;
      return [draft.class, { ...draft, end, next: behind?.class, spare: spare[draft.class] ?? 0 }];
    }),
  );
}

export function isPerStation(settings: PlanSettings): boolean {
  return settings.kind === 'iec104' ? settings.stations !== 'one' : settings.units !== 'one';
}

export function firstStation(settings: PlanSettings): number {
  return settings.kind === 'iec104' ? settings.ca : settings.unitId;
}
