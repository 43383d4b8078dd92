import type { MapEntry } from '@busbar/events';
import { canRead, canWrite, type PointType } from '@busbar/model';
import type { Asset } from './assets.js';
import type { Device } from './connections.js';
import type { Model, Point } from './models.js';
import type { Report } from './report.js';
import { isTextType } from './tag-check.js';
import type { TagDraft, TagFields } from './tags.js';

/** Name of the model and access template that are made for a table, or a variant of it, used directly. */
export function directId({ id, ownTags, form }: Device): string {
  if (ownTags.size > 0 || form.table === undefined) return `@${id}`;
  return form.variant === undefined ? `@${form.table}` : `@${form.table}@${form.variant}`;
}

function pointType({ type, scale, offset, scaleBy }: TagFields): PointType {
  if (!type) return 'double';
  if (type.count > 1) return 'array';
  if (isTextType(type.type)) return 'string';
  if (type.type === 'bool') return 'bool';
  const isPlain = (scale ?? 1) === 1 && (offset ?? 0) === 0 && scaleBy === undefined;
  if (!isPlain || type.type === 'float64') return 'double';
  if (type.type === 'float32') return 'float';
  return ['uint32', 'int64', 'uint64', 'bcd'].includes(type.type) ? 'long' : 'int';
}

function pointOf(tag: TagDraft, device: Device): Point {
  const { fields } = tag;
  const { kind, min, max } = fields;
  const type = pointType(fields);
  return {
    id: tag.id,
    subject: device.subject,
    type,
    fields: {
      title: fields.title ?? tag.id,
      type,
      access: fields.access ?? 'r',
      ...(kind === 'AI' || kind === 'DI' || kind === 'PI' ? { kind } : {}),
      ...(fields.unit === undefined ? {} : { unit: fields.unit }),
      ...(min === undefined || max === undefined ? {} : { range: [min, max] as [number, number] }),
      ...(fields.upload === undefined ? {} : { upload: fields.upload }),
      ...(fields.deadband === undefined ? {} : { deadband: fields.deadband }),
    } as Point['fields'],
  };
}

export interface DirectForm {
  readonly model: Model;
  readonly map: readonly MapEntry[];
  readonly device: Device;
}

/** A device without an asset: an asset of the same id whose points are its tags. Devices of one table share `forms`. */
export function directAsset(device: Device, forms: Map<string, DirectForm>, report: Report): Asset {
  const id = directId(device);
  let form = forms.get(id);
  if (form && (form.device.form.table !== device.form.table || device.ownTags.size > 0)) {
    const place = 'a point table or device of the same name that is used directly too';
    report.add('ID_DUPLICATE', device.subject.place, { kind: 'device', id: device.id, place });
  }
  if (!form) {
    form = { model: modelOf(device, id), map: device.form.tags.map(entryOf), device };
    forms.set(id, form);
  }
  return {
    id: device.id,
    subject: device.subject,
    title: device.title,
    model: form.model,
    parent: undefined,
    logic: false,
    feeds: [{ template: undefined, device, map: form.map, entries: new Map() }],
    attributes: {},
  };
}

function modelOf(device: Device, id: string): Model {
  return {
    id,
    subject: device.subject,
    title: id.slice(1),
    was: undefined,
    lineage: [id],
    points: new Map(device.form.tags.map((tag) => [tag.id, pointOf(tag, device)])),
    attributes: new Map(),
    services: new Map(),
  };
}

function entryOf({ id, fields }: TagDraft): MapEntry {
  const access = fields.access ?? 'r';
  return {
    point: id,
    ...(canRead(access) ? { read: id } : {}),
    ...(canWrite(access) ? { write: id } : {}),
    factor: 1,
    shift: 0,
    time: 'source',
  };
}
