import type { ByteOrder } from '@busbar/model';
import type { EventMode, Iec104Class, ModbusArea, PlanClass, PlanEntry, PlanFinding } from './address-plan.js';
import {
  commandOf,
  commandsFor,
  defaultIec104Type,
  iec104Type,
  iec104TypesFor,
  RESERVED_TYPES,
} from './iec104-types.js';
import {
  AREA_OF_CLASS,
  areasOf,
  CLASS_OF_AREA,
  defaultModbusType,
  isModbusTypeFor,
  modbusTypesFor,
  registersOf,
} from './modbus-types.js';
import { isPlaceId } from './plan-lines.js';
import type { PlanSettings } from './plan-settings.js';
import {
  type ForwardingTemplate,
  isReserved,
  type PointRow,
  type ReservedRow,
  type RowOptions,
  type TemplateRow,
} from './template.js';

/** What a row needs an address for, alike for all devices of its template. */
export interface Demand {
  readonly row: number;
  /** Undefined: a reserved place. */
  readonly point: string | undefined;
  readonly was: string | undefined;
  readonly class: PlanClass;
  readonly type: string;
  readonly width: number;
  /** Starts at an even address. */
  readonly isEven: boolean;
  /** Number of the reserved place that it takes. */
  readonly replaces: number | undefined;
  readonly entry: Omit<PlanEntry, 'id' | 'asset' | 'station' | 'address' | 'pair'>;
}

type Say = (row: number, finding: Pick<PlanFinding, 'severity' | 'code' | 'params'>) => void;

interface Choice {
  readonly class: PlanClass;
  readonly type: string;
}

/** The demands of a template in the order of its rows; rows that cannot be sent are reported and left out. */
export function demandsOf(
  template: ForwardingTemplate,
  settings: PlanSettings,
  findings: PlanFinding[],
): readonly Demand[] {
  const say: Say = (row, finding) => void findings.push({ ...finding, template: template.id, row });
  const seen = new Set<string>();
  const isTwice = (row: PointRow, index: number): boolean => {
    if (!seen.has(row.point)) {
      seen.add(row.point);
      return false;
    }
    const params = { point: row.point, reason: 'it stands in the template already' };
    say(index, { severity: 'error', code: 'FORWARD_PLACE', params });
    return true;
  };
  return template.rows.flatMap((row: TemplateRow, index) =>
    isReserved(row)
      ? reservedDemands(row, index, settings, say)
      : isTwice(row, index)
        ? []
        : pointDemands(row, index, settings, say),
  );
}

function reservedDemands(row: ReservedRow, index: number, settings: PlanSettings, say: Say): Demand[] {
  const chosen = settings.kind === 'iec104' ? reservedIec104(row) : reservedModbus(row);
  if (!chosen) {
    const written = (settings.kind === 'iec104' ? row.iec104 : row.modbus)?.type ?? '';
    const types = settings.kind === 'iec104' ? 'a type of that class' : 'a type of that area, such as float32';
    say(index, {
      severity: 'error',
      code: 'FORWARD_TYPE',
      params: { point: 'a reserved place', type: written, types },
    });
    return [];
  }
  const width = registersOf(chosen.type) ?? 1;
  const entry = entryOf('reserved', chosen, width, { event: 'none' });
  const isEven = settings.kind === 'modbus' && settings.align && width > 1;
  const demand: Demand = {
    ...chosen,
    row: index,
    point: undefined,
    was: undefined,
    width,
    isEven,
    replaces: undefined,
    entry: { ...entry, ...orderOf(settings, chosen.type, undefined) },
  };
  return Array.from({ length: row.reserved }, () => demand);
}

function isArea(name: Iec104Class | ModbusArea): name is ModbusArea {
  return Object.hasOwn(CLASS_OF_AREA, name);
}

function reservedIec104(row: ReservedRow): Choice | undefined {
  const name = isArea(row.class) ? CLASS_OF_AREA[row.class] : row.class;
  const type = row.iec104?.type ?? RESERVED_TYPES[name];
  return iec104Type(type)?.class === name ? { class: name, type } : undefined;
}

function reservedModbus(row: ReservedRow): Choice | undefined {
  const area = isArea(row.class) ? row.class : AREA_OF_CLASS[row.class];
  const isBit = area === 'coil' || area === 'discrete';
  const type = row.modbus?.type ?? (isBit ? 'bool' : 'float32');
  return registersOf(type) !== undefined && areasOf(type).includes(area) ? { class: area, type } : undefined;
}

function pointDemands(row: PointRow, index: number, settings: PlanSettings, say: Say): Demand[] {
  if (isPlaceId(row.point)) {
    say(index, {
      severity: 'error',
      code: 'FORWARD_PLACE',
      params: { point: row.point, reason: 'reserved and spare places have such ids' },
    });
    return [];
  }
  const options: RowOptions = { ...row, ...row[settings.kind] };
  const value = row.model.access === 'w' ? undefined : valueChoice(row, settings);
  if (value && 'problem' in value) {
    say(index, { severity: 'error', code: 'FORWARD_TYPE', params: { point: row.point, ...value.problem } });
    return [];
  }
  const isCommanded = settings.control && row.control !== false && row.model.access !== 'r';
  const command = isCommanded ? commandChoice(row, settings, value?.type) : undefined;
  if (command && 'problem' in command) {
    say(index, { severity: 'error', code: 'FORWARD_TYPE', params: { point: row.point, ...command.problem } });
    return [];
  }
  checkPrecision(row, value ?? command, (finding) => say(index, finding));
  const scaled = scaling(row, options, (value ?? command)?.type);
  const deadband = deadbandOf(row, { ...options, ...scaled }, (finding) => say(index, finding));
  const made = (role: 'value' | 'control' | 'quality', chosen: Choice, replaces?: number): Demand => {
    const width = registersOf(chosen.type) ?? 1;
    const shown = role === 'quality' ? { event: 'none' as const } : { ...options, ...scaled };
    const own: PlanEntry['control'] = {
      select: (row.control || undefined)?.select ?? false,
      qualifier: (row.control || undefined)?.qualifier ?? 0,
      ...limitsOf(row),
    };
    return {
      ...chosen,
      row: index,
      point: row.point,
      was: row.was,
      width,
      isEven: settings.kind === 'modbus' && settings.align && width > 1,
      replaces,
      entry: {
        ...entryOf(role, chosen, width, shown),
        point: row.point,
        ...(role === 'value' ? { deadband } : {}),
        ...orderOf(settings, chosen.type, row.modbus?.order),
        ...(row.values && role !== 'quality' ? { values: row.values } : {}),
        ...(role === 'control' ? { control: own, event: 'none' as const } : {}),
      },
    };
  };
  // Holding registers and coils give the feedback when they are read: one address for both.
  const isOne = command !== undefined && value?.class === command.class;
  const hasQuality = settings.kind === 'modbus' && settings.qualityStart !== undefined && value !== undefined;
  return [
    ...(value && !isOne ? [made('value', value, row.replaces)] : []),
    ...(command ? [made('control', command, value && !isOne ? undefined : row.replaces)] : []),
    ...(hasQuality ? [made('quality', { class: 'quality', type: 'bool' })] : []),
  ];
}

type Chosen = Choice | { readonly problem: { readonly type: string; readonly types: string } };

function problem(type: string, types: readonly string[]): Chosen {
  const list = types.length === 0 ? 'nothing: leave the point out' : types.join(', ');
  return { problem: { type, types: list } };
}

function valueChoice(row: PointRow, settings: PlanSettings): Chosen {
  const { model } = row;
  if (settings.kind === 'iec104') {
    const allowed = iec104TypesFor(model).filter((one) => (isText(row) ? row.values !== undefined : one !== undefined));
    const type = row.iec104?.type ?? defaultIec104Type(model);
    const known = allowed.find((one) => one === type);
    const isSpanned = type !== 'M_ME_NA' || model.range !== undefined || (row.iec104?.scale ?? row.scale) !== undefined;
    if (!known || !isSpanned) return problem(type ?? model.type, allowed);
    return { class: iec104Type(known)?.class ?? 'YC', type: known };
  }
  const type = row.modbus?.type ?? defaultModbusType(model);
  const allowed = isText(row) && !row.values ? [] : modbusTypesFor(model);
  if (type === undefined || allowed.length === 0 || !isModbusTypeFor(model, type)) {
    return problem(type ?? model.type, allowed);
  }
  const areas = areasOf(type);
  const area = row.modbus?.area ?? areas[0] ?? 'input';
  if (!areas.includes(area)) return problem(`${type} in ${area}`, areas);
  return { class: area, type };
}

/** An enum whose keys are texts has no number of its own: `values` gives it one. */
function isText({ model }: PointRow): boolean {
  return model.type === 'enum' && (model.keys ?? []).some((key) => !/^-?\d{1,15}$/.test(key));
}

function commandChoice(row: PointRow, settings: PlanSettings, valueType: string | undefined): Chosen {
  if (settings.kind === 'iec104') {
    const allowed = commandsFor(row.model);
    const type = row.iec104?.command ?? commandOf(valueType ?? defaultIec104Type(row.model) ?? '');
    const known = allowed.find((one) => one === type);
    return known ? { class: iec104Type(known)?.class ?? 'YT', type: known } : problem(type, allowed);
  }
  const type = valueType ?? row.modbus?.type ?? defaultModbusType(row.model);
  if (type === undefined || !isModbusTypeFor(row.model, type))
    return problem(type ?? row.model.type, modbusTypesFor(row.model));
  return { class: type === 'bool' ? 'coil' : 'holding', type };
}

const EXACT = 2 ** 24;

function checkPrecision(
  { point, model, ...row }: PointRow,
  chosen: Choice | undefined,
  say: (finding: Pick<PlanFinding, 'severity' | 'code' | 'params'>) => void,
): void {
  if (chosen?.type !== 'M_ME_NC' && chosen?.type !== 'float32') return;
  const isWhole = model.type === 'int' || model.type === 'long';
  const isWide = model.range ? Math.max(...model.range.map(Math.abs)) > EXACT : model.type === 'long';
  if (!isWhole || !isWide || row.scale !== undefined) return;
  say({ severity: 'warning', code: 'FORWARD_PRECISION', params: { point, type: chosen.type } });
}

/** A normalized value is a fraction of the range (IEC 60870-5-101 §7.2.6.6) unless the row scales it itself. */
function scaling({ model }: PointRow, { scale, offset }: RowOptions, type: string | undefined) {
  const isFraction = (type === 'M_ME_NA' || type === 'C_SE_NA') && scale === undefined && model.range !== undefined;
  const span = isFraction ? Math.max(...(model.range ?? [0, 1]).map(Math.abs)) : 1;
  return { scale: scale ?? 1 / (span || 1), offset: offset ?? 0 };
}

function deadbandOf(
  { point, model }: PointRow,
  { deadband, scale }: RowOptions,
  say: (finding: Pick<PlanFinding, 'severity' | 'code' | 'params'>) => void,
): number {
  if (deadband === undefined) return 0;
  if ('absolute' in deadband) return deadband.absolute;
  if (!model.range) {
    say({ severity: 'error', code: 'FORWARD_DEADBAND', params: { point } });
    return 0;
  }
  return ((model.range[1] - model.range[0]) * Math.abs(scale ?? 1) * deadband.percent) / 100;
}

/** The template's own alone: the range of the model is the arbiter's to judge, who may clamp, and keeps a record. */
function limitsOf({ control }: PointRow): { limits?: readonly [number, number] } {
  const limits = (control || undefined)?.limits;
  return limits ? { limits } : {};
}

function orderOf(settings: PlanSettings, type: string, own: ByteOrder | undefined): { order?: ByteOrder } {
  if (settings.kind !== 'modbus' || (registersOf(type) ?? 1) < 2 || type.startsWith('string')) return {};
  return { order: own ?? settings.order };
}

function entryOf(
  role: PlanEntry['role'],
  chosen: Choice,
  width: number,
  options: RowOptions,
): Omit<PlanEntry, 'id' | 'asset' | 'station' | 'address' | 'pair'> {
  const event: EventMode =
    options.event ?? iec104Type(chosen.type)?.event ?? (chosen.type === 'bool' ? 'soe' : 'latest');
  return {
    role,
    class: chosen.class,
    width,
    type: chosen.type,
    scale: options.scale ?? 1,
    offset: options.offset ?? 0,
    deadband: 0,
    event,
    group: options.group ?? 0,
    cyclic: options.cyclic ?? false,
    background: options.background ?? false,
  };
}
