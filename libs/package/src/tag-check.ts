import type { TagConfig } from '@busbar/events';
import { canRead, canWrite, type TagType } from '@busbar/model';
import { suggestion } from './nearest.js';
import type { Report } from './report.js';
import type { DriverCheck } from './result.js';
import type { TagDraft } from './tags.js';
import { isKnownUnit, nearestUnit } from './units.js';

const INTEGER_BITS: Readonly<Partial<Record<TagType, { readonly bits: number; readonly isSigned: boolean }>>> = {
  int8: { bits: 8, isSigned: true },
  uint8: { bits: 8, isSigned: false },
  int16: { bits: 16, isSigned: true },
  uint16: { bits: 16, isSigned: false },
  int32: { bits: 32, isSigned: true },
  uint32: { bits: 32, isSigned: false },
  int64: { bits: 64, isSigned: true },
  uint64: { bits: 64, isSigned: false },
};

export function isIntegerType(type: TagType | undefined): boolean {
  return type !== undefined && type in INTEGER_BITS;
}

export function isTextType(type: TagType | undefined): boolean {
  return type === 'string' || type === 'bytes';
}

/** Raw values as `TagConfig.invalid` holds them; undefined for one that the type cannot have. */
export function invalidValue(token: string, type: TagType | undefined): TagConfig['invalid'][number] | undefined {
  if (isTextType(type)) return token;
  const integer = type === undefined ? undefined : INTEGER_BITS[type];
  if (integer) {
    if (!/^(?:-?\d{1,20}|0x[0-9a-f]{1,16})$/i.test(token)) return undefined;
    const written = BigInt(token);
    const { bits, isSigned } = integer;
    // A hex value of a signed type is the bit pattern that the manual prints: 0x8000 is -32768.
    const value =
      isSigned && /^0x/i.test(token) && written < 1n << BigInt(bits) ? BigInt.asIntN(bits, written) : written;
    const fits = isSigned ? BigInt.asIntN(bits, value) === value : BigInt.asUintN(bits, value) === value;
    if (!fits) return undefined;
    return bits === 64 ? value.toString() : Number(value);
  }
  if (/^nan$/i.test(token)) return type === 'bool' || type === 'bcd' ? undefined : 'NaN';
  const number = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d{1,3})?$/i.test(token) ? Number(token) : undefined;
  if (number === undefined || !Number.isFinite(number)) return undefined;
  if (type === 'bool') return number === 0 || number === 1 ? number : undefined;
  if (type === 'bcd') return number >= 0 && Number.isInteger(number) ? number : undefined;
  return type === 'float32' ? Math.fround(number) : number;
}

export interface TagRules {
  readonly check: DriverCheck;
  readonly base: 0 | 1;
  /** Byte order of a tag that states none. */
  readonly order: string;
  /** Devices that a mistake breaks; 0: none uses the table, so that `$name` in an address is not filled. */
  readonly devices: number;
}

/** Everything that can be wrong with the tags of one table, apart from their groups. */
export function checkTags(tags: readonly TagDraft[], rules: TagRules, report: Report): void {
  const byId = new Map(tags.map((tag) => [tag.id, tag]));
  const readers = new Map<string, string>();
  const instances = Math.max(1, rules.devices);
  for (const tag of tags) {
    if (rules.devices > 0 || !tag.fields.address.includes('$')) checkAddress(tag, rules, report);
    checkConversion(tag, byId, instances, report);
    const { fields } = tag;
    if (fields.was !== undefined && byId.has(fields.was)) {
      report.add('RENAME_SOURCE', tag.at('was'), { id: fields.was });
    }
    if (!canRead(fields.access ?? 'r')) continue;
    const shape = [fields.address, fields.type?.type, fields.type?.count, fields.length, fields.order].join(' ');
    const twin = readers.get(shape);
    if (twin === undefined) readers.set(shape, tag.id);
    else report.record('TAG_TWICE', tag.at('address'), { params: { a: twin, b: tag.id }, instances });
  }
}

function checkAddress({ id, fields, at }: TagDraft, rules: TagRules, report: Report): void {
  const { check, base, order, devices } = rules;
  const problem = check.checkTag(
    {
      address: fields.address,
      type: fields.type?.type,
      count: fields.type?.count ?? 1,
      length: fields.length,
      order: fields.order ?? order,
      access: fields.access ?? 'r',
      writeMode: fields.writeMode,
    },
    base,
  );
  if (!problem) return;
  const { code, reason, fix } = problem;
  const field = { TAG_ADDRESS: 'address', TAG_TYPE: 'type', TAG_ACCESS: 'access', TAG_LENGTH: 'length' }[code];
  const params = {
    tag: id,
    address: fields.address,
    driver: check.id,
    type: fields.type?.type ?? 'no type',
    reason,
    fix,
  };
  report.record(code, at(field), { params, instances: Math.max(1, devices) });
}

function checkConversion(
  { id, fields, at }: TagDraft,
  tags: ReadonlyMap<string, TagDraft>,
  instances: number,
  report: Report,
): void {
  const type = fields.type?.type;
  const scaleProblem = (field: string, reason: string): void =>
    report.record('TAG_SCALE', at(field), { params: { tag: id, reason }, instances });
  if (fields.scale === 0) scaleProblem('scale', 'scale is 0');
  if (isTextType(type) || type === 'bool') {
    for (const field of ['scale', 'offset', 'scaleBy'] as const) {
      if (fields[field] !== undefined) scaleProblem(field, `${type} cannot be scaled`);
    }
  }
  if (fields.scaleBy !== undefined) {
    const by = tags.get(fields.scaleBy);
    const { scaleBy } = fields;
    if (!by) scaleProblem('scaleBy', `there is no tag ${scaleBy}; nearest is ${suggestion(scaleBy, tags.keys())}`);
    else if (!isPlainInteger(by) || scaleBy === id) scaleProblem('scaleBy', `${scaleBy} is no plain integer tag`);
  }
  if (fields.min !== undefined && fields.max !== undefined && fields.min > fields.max) {
    const params = { value: String(fields.min), field: 'min', allowed: `at most max, ${fields.max}` };
    report.record('FIELD_VALUE', at('min'), { params, instances });
  }
  for (const token of fields.invalid ?? []) {
    if (invalidValue(token, type) !== undefined) continue;
    report.record('TAG_INVALID', at('invalid'), {
      params: { tag: id, value: token, type: type ?? 'no type' },
      instances,
    });
  }
  if (fields.unit !== undefined && !isKnownUnit(fields.unit)) {
    const params = { unit: fields.unit, suggestion: nearestUnit(fields.unit) };
    report.record('UNIT_UNKNOWN', at('unit'), { params, instances });
  }
  if (fields.access !== undefined && !canWrite(fields.access) && fields.writeMode !== undefined) {
    const params = { value: fields.writeMode, field: 'writeMode', allowed: 'nothing where access is r' };
    report.record('FIELD_VALUE', at('writeMode'), { params, instances });
  }
}

function isPlainInteger({ fields }: TagDraft): boolean {
  return (
    isIntegerType(fields.type?.type) &&
    fields.type?.count === 1 &&
    (fields.scale ?? 1) === 1 &&
    (fields.offset ?? 0) === 0 &&
    fields.scaleBy === undefined &&
    canRead(fields.access ?? 'r')
  );
}
