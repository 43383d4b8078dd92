import {
  type AddressPlan,
  IEC104_CLASSES,
  MODBUS_AREAS,
  type PlanEntry,
  SERVICE_POINTS,
  type SparePlaces,
  type Tombstone,
} from '@busbar/address-plan';
import { BYTE_ORDERS, POINT_TYPES, type PointType } from '@busbar/model';
import { z } from 'zod';
import { digestOf } from './canonical-json.js';

const id = z.string().min(1).max(257);

/** A third party that may connect. */
export const forwardingClientSchema = z.strictObject({
  name: id,
  /** IP addresses or CIDR blocks; empty: from anywhere. */
  addresses: z.array(z.string()),
  /** Clients of one group share one queue of events: one is active, the others stand by. */
  group: id,
  /** May it command? */
  control: z.boolean(),
  /** Control source of its commands without `external:`, as policies name it. */
  source: id,
});
export type ForwardingClientConfig = z.infer<typeof forwardingClientSchema>;

export const forwardingConnectionSchema = z.strictObject({
  kind: z.literal('forwarding'),
  id,
  title: z.string(),
  server: z.string(),
  site: id,
  /** May anybody command through it? */
  control: z.boolean(),
  with: z.record(z.string(), z.unknown()),
  clients: z.array(forwardingClientSchema),
  /** The address plan; its parts travel beside it, see {@link joinPlan}. */
  plan: z.strictObject({
    kind: z.enum(['iec104', 'modbus']),
    digest: z.string(),
    /** Digests of the parts, in their order. */
    parts: z.array(z.string()),
  }),
});
export type ForwardingConnectionConfig = z.infer<typeof forwardingConnectionSchema>;

/** What places of a plan have in common: mostly those of one row of a template in all its devices. */
export const planShapeSchema = z.strictObject({
  role: z.enum(['value', 'control', 'quality', 'service', 'reserved', 'dead', 'spare']),
  class: z.enum([...IEC104_CLASSES, ...MODBUS_AREAS, 'quality', 'service']),
  /** Id of the point, `reserved.2`, or the service point; of a dead place all of its id. */
  name: z.string(),
  type: z.string(),
  width: z.number().int().min(1),
  order: z.enum(BYTE_ORDERS).optional(),
  scale: z.number().optional(),
  offset: z.number().optional(),
  values: z.array(z.tuple([z.union([z.number(), z.string(), z.boolean()]), z.number()])).optional(),
  deadband: z.number().optional(),
  event: z.enum(['soe', 'latest', 'none']).optional(),
  group: z.number().int().min(0).max(16).optional(),
  cyclic: z.boolean().optional(),
  background: z.boolean().optional(),
  control: z
    .strictObject({
      select: z.boolean(),
      qualifier: z.number().int().min(0).max(31),
      limits: z.tuple([z.number(), z.number()]).optional(),
    })
    .optional(),
  pair: z.enum([...IEC104_CLASSES, ...MODBUS_AREAS, 'quality', 'service']).optional(),
  /** Handle of the point in batches of its asset. */
  number: z.number().int().min(1).optional(),
  /** Data type of the point. */
  valueType: z.enum(POINT_TYPES).optional(),
});
export type PlanShape = z.infer<typeof planShapeSchema>;

/** Record of `configuration.published`, key = `plan/<digest>`: a run of an address plan. */
export const planPartSchema = z.strictObject({
  kind: z.literal('plan'),
  /** Its own digest. */
  id: z.string(),
  assets: z.array(id),
  shapes: z.array(planShapeSchema),
  /** Indexes of shape and asset (-1: none), station, address, address of the pair (-1: none). */
  places: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])),
});
export type PlanPart = z.infer<typeof planPartSchema>;

/** How a value of a point gets to the plan. */
export interface PlanSource {
  /** Handle in batches of the asset. */
  readonly number: number;
  readonly valueType: PointType;
}

/** Undefined: the configuration knows no such point. */
export type PlanSourceOf = (asset: string, point: string) => PlanSource | undefined;

/** At most so many places per record: about 200 kB, far below what a broker takes. */
const PART_PLACES = 4_000;

/** Only what is not the default, so that records stay small. */
function shapeOf(entry: PlanEntry, source: PlanSource | undefined): PlanShape {
  const { id: full, asset, point, service, role, class: name, width, type, order, values, control, pair } = entry;
  return {
    role,
    class: name,
    name: point ?? service ?? full.slice((asset?.length ?? -1) + 1),
    type,
    width,
    ...(order === undefined ? {} : { order }),
    ...(entry.scale === 1 ? {} : { scale: entry.scale }),
    ...(entry.offset === 0 ? {} : { offset: entry.offset }),
    ...(values === undefined ? {} : { values: values.map(([from, to]): [typeof from, number] => [from, to]) }),
    ...(entry.deadband === 0 ? {} : { deadband: entry.deadband }),
    ...(entry.event === 'none' ? {} : { event: entry.event }),
    ...(entry.group === 0 ? {} : { group: entry.group }),
    ...(entry.cyclic ? { cyclic: true } : {}),
    ...(entry.background ? { background: true } : {}),
    ...(control === undefined
      ? {}
      : {
          control: {
            select: control.select,
            qualifier: control.qualifier,
            ...(control.limits ? { limits: [...control.limits] as [number, number] } : {}),
          },
        }),
    ...(pair === undefined ? {} : { pair: pair.class }),
    ...(source ?? {}),
  };
}

interface Place {
  readonly shape: PlanShape;
  readonly asset: string | undefined;
  readonly station: number;
  readonly address: number;
  readonly pair: number;
}

function placesOf(plan: AddressPlan, sourceOf: PlanSourceOf): Place[] {
  const live = plan.entries.map((entry): Place => {
    const { asset, point, station, address, pair } = entry;
    const source = asset !== undefined && point !== undefined ? sourceOf(asset, point) : undefined;
    return { shape: shapeOf(entry, source), asset, station, address, pair: pair?.address ?? -1 };
  });
  const dead = plan.tombstones.map(({ id: name, class: of, station, address, width, type }): Place => {
    const shape = { role: 'dead' as const, class: of, name, type, width };
    return { shape, asset: undefined, station, address, pair: -1 };
  });
  const spare = plan.spares.map(({ asset, class: of, station, address, width }): Place => {
    const shape = { role: 'spare' as const, class: of, name: 'spare', type: '', width };
    return { shape, asset, station, address, pair: -1 };
  });
  return [...live, ...dead, ...spare];
}

/** The parts of a plan as they travel, each well below 1 MB. Equal plans have equal parts. */
export function splitPlan(plan: AddressPlan, sourceOf: PlanSourceOf): readonly PlanPart[] {
  const places = placesOf(plan, sourceOf);
  const parts: PlanPart[] = [];
  for (let from = 0; from < places.length; from += PART_PLACES) {
    const assets = new Map<string, number>();
    const shapes = new Map<string, { readonly index: number; readonly shape: PlanShape }>();
    const rows = places.slice(from, from + PART_PLACES).map(({ shape, asset, station, address, pair }) => {
      const key = JSON.stringify(shape);
      const known = shapes.get(key) ?? { index: shapes.size, shape };
      shapes.set(key, known);
      if (asset !== undefined && !assets.has(asset)) assets.set(asset, assets.size);
      const owner = asset === undefined ? -1 : (assets.get(asset) ?? -1);
      return [known.index, owner, station, address, pair] as [number, number, number, number, number];
    });
    const content = {
      kind: 'plan' as const,
      assets: [...assets.keys()],
      shapes: [...shapes.values()].map(({ shape }) => shape),
      places: rows,
    };
    parts.push({ ...content, id: digestOf(content) });
  }
  return parts;
}

export interface JoinedPlan {
  readonly plan: AddressPlan;
  /** By index of `plan.entries`: where its value comes from; undefined for reserved places and service points. */
  readonly sources: readonly (PlanSource | undefined)[];
}

/** The plan of a forwarding connection out of the parts of its generation; undefined while one is missing. */
export function joinPlan(
  { plan: { kind, digest, parts } }: Pick<ForwardingConnectionConfig, 'plan'>,
  partOf: (digest: string) => PlanPart | undefined,
): JoinedPlan | undefined {
  const entries: PlanEntry[] = [];
  const sources: (PlanSource | undefined)[] = [];
  const tombstones: Tombstone[] = [];
  const spares: SparePlaces[] = [];
  for (const each of parts) {
    const part = partOf(each);
    if (!part) return undefined;
    for (const [shapeIndex, assetIndex, station, address, pair] of part.places) {
      const shape = part.shapes[shapeIndex];
      if (!shape) return undefined;
      const asset = part.assets[assetIndex];
      const { role, class: name, width, type } = shape;
      if (role === 'dead') tombstones.push({ id: shape.name, class: name, station, address, width, type });
      else if (role === 'spare') spares.push({ asset: asset ?? '', class: name, station, address, width });
      else {
        entries.push(entryOf(shape, role, { asset, station, address, pair }));
        const { number, valueType } = shape;
        sources.push(number === undefined || valueType === undefined ? undefined : { number, valueType });
      }
    }
  }
  return { plan: { kind, digest, entries, tombstones, spares }, sources };
}

function entryOf(shape: PlanShape, role: PlanEntry['role'], place: Omit<Place, 'shape'>): PlanEntry {
  const { name, class: of, width, type, order, values, control, pair, event } = shape;
  const { asset, station, address } = place;
  const service = role === 'service' ? SERVICE_POINTS.find((one) => one === name) : undefined;
  const owned = asset === undefined ? '' : `/${asset}`;
  return {
    id: role === 'service' ? `@${name}${owned}` : `${asset}/${name}`,
    role,
    class: of,
    ...(asset === undefined ? {} : { asset }),
    ...(role === 'value' || role === 'control' || role === 'quality' ? { point: name } : {}),
    ...(service === undefined ? {} : { service }),
    station,
    address,
    width,
    type,
    ...(order === undefined ? {} : { order }),
    scale: shape.scale ?? 1,
    offset: shape.offset ?? 0,
    ...(values === undefined ? {} : { values }),
    deadband: shape.deadband ?? 0,
    event: event ?? 'none',
    group: shape.group ?? 0,
    cyclic: shape.cyclic ?? false,
    background: shape.background ?? false,
    ...(control === undefined
      ? {}
      : {
          control: {
            select: control.select,
            qualifier: control.qualifier,
            ...(control.limits ? { limits: control.limits } : {}),
          },
        }),
    ...(pair === undefined ? {} : { pair: { class: pair, address: place.pair } }),
  };
}
