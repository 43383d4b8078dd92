import type { SideValue } from '@busbar/batch';
import { BusbarError } from '@busbar/errors';
import type { MapEntry, ModelConfig, PointConfig, TableConfig, TagConfig, TemplateConfig } from '@busbar/events';
import { Linear } from './linear.js';
import { ValuePairs } from './value-pairs.js';

/** What a mapping is compiled from: the template, its model, and the table (one variant) of the device. */
export interface MappingParts {
  readonly template: TemplateConfig;
  readonly model: ModelConfig;
  readonly table: TableConfig;
}

/** An entry of a template with its names looked up. */
export interface CompiledEntry {
  readonly point: PointConfig;
  readonly read: TagConfig | undefined;
  readonly write: TagConfig | undefined;
  readonly linear: Linear;
  /** Pairs by the form of the tag read, and of the tag written. */
  readonly pairs: ValuePairs | undefined;
  readonly writePairs: ValuePairs | undefined;
  readonly isCollected: boolean;
  /** Numbers of the tag are numbers of the point: copied as they are. */
  readonly isCopied: boolean;
}

const WHOLE_TAGS: ReadonlySet<string | undefined> = new Set([
  'bool',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bcd',
]);

function isWhole(tag: TagConfig): boolean {
  return (
    WHOLE_TAGS.has(tag.type) && Number.isInteger(tag.scale) && Number.isInteger(tag.offset) && tag.scaleBy === undefined
  );
}

function isCopied(tag: TagConfig, point: PointConfig): boolean {
  switch (point.type) {
    case 'float':
    case 'double':
    case 'date':
    case 'timestamp':
    case 'raw':
      return true;
    case 'int':
    case 'long':
    case 'enum':
      return isWhole(tag);
    case 'bool':
      return tag.type === 'bool';
    default:
      return false;
  }
}

export function compileEntries({ template, model, table }: MappingParts): CompiledEntry[] {
  const fault = (reason: string) =>
    new BusbarError('MAPPING_INCONSISTENT', { template: template.id, table: table.id, reason });
  const points = new Map(model.points.map((point) => [point.id, point]));
  const tags = new Map(table.tags.map((tag) => [tag.id, tag]));
  const find = (id: string | undefined): TagConfig | undefined => {
    if (id === undefined) return undefined;
    const tag = tags.get(id);
    if (!tag) throw fault(`there is no tag ${id}`);
    return tag;
  };
  const compile = (entry: MapEntry): CompiledEntry => {
    const point = points.get(entry.point);
    if (!point) throw fault(`model ${model.id} has no point ${entry.point}`);
    if (entry.factor === 0 || !Number.isFinite(entry.factor) || !Number.isFinite(entry.shift)) {
      throw fault(`factor ${entry.factor} of ${entry.point} cannot be turned back`);
    }
    const read = find(entry.read);
    const write = find(entry.write);
    const linear = new Linear(entry.factor, entry.shift);
    const pairsFor = (tag: TagConfig | undefined) =>
      tag && entry.values ? new ValuePairs(entry.values, entry.else, tag.type) : undefined;
    return {
      point,
      read,
      write,
      linear,
      pairs: pairsFor(read),
      writePairs: pairsFor(write),
      isCollected: entry.time === 'collected',
      isCopied: read !== undefined && !entry.values && linear.isIdentity && isCopied(read, point),
    };
  };
  return template.map.map(compile);
}

function toNumber(entry: CompiledEntry, value: number | bigint): number | bigint | undefined {
  switch (entry.point.type) {
    case 'bool':
      // Which other numbers mean true, only `values` can say.
      return value === 0 || value === 1 || value === 0n || value === 1n ? Number(value) : undefined;
    case 'enum': {
      const number = Number(value);
      return Number.isSafeInteger(number) && entry.linear.isIdentity ? number : undefined;
    }
    case 'int':
    case 'long': {
      if (typeof value === 'bigint' && entry.linear.isIdentity) return value;
      const number = Math.round(entry.linear.toPoint(Number(value)));
      return Number.isSafeInteger(number) ? number : undefined;
    }
    case 'float':
    case 'double': {
      const number = entry.linear.toPoint(Number(value));
      return Number.isFinite(number) ? number : undefined;
    }
    case 'string':
      return undefined;
    default:
      return typeof value === 'bigint' ? value : entry.linear.toPoint(value);
  }
}

/**
 * The point's value for a tag's. Whole types round; bool takes 0 and 1 only; a double takes the nearest of a 64-bit
 * integer. Undefined where the value does not fit the point or no pair fits it.
 */
export function convert(entry: CompiledEntry, value: number | SideValue): number | SideValue | undefined {
  if (entry.pairs) return typeof value === 'object' ? undefined : entry.pairs.toPoint(value);
  if (typeof value === 'number' || typeof value === 'bigint') return toNumber(entry, value);
  if (!entry.linear.isIdentity) return undefined;
  const type = entry.point.type;
  if (typeof value === 'string') {
    return type === 'string' || type === 'date' || type === 'timestamp' || type === 'raw' || type === 'file'
      ? value
      : undefined;
  }
  return type === 'array' || type === 'struct' || type === 'raw' ? value : undefined;
}
