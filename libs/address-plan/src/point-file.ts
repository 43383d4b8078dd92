import type { AddressPlan, PlanEntry, Tombstone } from './address-plan.js';
import { iec104Type } from './iec104-types.js';

export type Cell = string | number;

/** What a point file says beside the plan. */
export interface PointNames {
  /** Generation that is forwarded; 0 before the first. */
  readonly generation: number;
  asset(id: string): string | undefined;
  point(asset: string, point: string): PointName | undefined;
  /** Generation since which the address is in use. */
  newSince?(entry: PlanEntry): number | undefined;
}

export interface PointName {
  readonly title: string;
  readonly unit?: string;
  readonly range?: readonly [number, number];
}

export interface PointFile {
  readonly header: readonly string[];
  /** As long as the header. */
  readonly rows: readonly (readonly Cell[])[];
}

type Place = Pick<PlanEntry, 'id' | 'class' | 'station' | 'address' | 'width' | 'type'> & Partial<PlanEntry>;
type Column = readonly [header: string, cell: (place: Place) => Cell];

const AREA: Readonly<Record<string, string>> = { quality: 'discrete', service: 'input' };

function hex(value: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** IEC 60870-5-101 §7.2.5: the least significant octet comes first on the wire; written here most significant first. */
function octets(value: number): string {
  return [16, 8, 0].map((shift) => (value >> shift) & 0xff).join('.');
}

function direction({ role }: Place): string {
  return role === 'control' ? 'command' : 'monitor';
}

/** Of a tombstone or free place: its asset and what was there. */
function partsOf({ id, asset, point, service, role }: Place): { asset: string; point: string } {
  if (service !== undefined) return { asset: asset ?? '', point: `service ${service}` };
  const slash = id.indexOf('/');
  const isService = id.startsWith('@');
  const shown = isService ? `service ${id.slice(1, slash === -1 ? undefined : slash)}` : id.slice(slash + 1);
  const owner = isService ? id.slice(slash === -1 ? id.length : slash + 1) : id.slice(0, slash);
  return { asset: asset ?? owner, point: role === 'reserved' ? '' : (point ?? shown) };
}

function statusOf(place: Place, names: PointNames): string {
  if (place.role === undefined) return 'dead';
  if (place.role === 'reserved') return 'reserved';
  const since = names.newSince?.(place as PlanEntry);
  return since === undefined ? 'live' : `new since ${since}`;
}

const flag = (value: boolean | undefined): string => (value ? 'yes' : '');

function columnsOf(plan: AddressPlan, names: PointNames): Column[] {
  const named = (place: Place): PointName | undefined => {
    const { asset, point } = partsOf(place);
    return place.service === undefined ? names.point(asset, point) : undefined;
  };
  const where: Column[] =
    plan.kind === 'iec104'
      ? [
          ['CA', ({ station }) => station],
          ['IOA', ({ address }) => address],
          ['IOA hex', ({ address }) => hex(address)],
          ['IOA octets', ({ address }) => octets(address)],
        ]
      : [
          ['Unit', ({ station }) => station],
          ['Area', ({ class: name }) => AREA[name] ?? name],
          ['Address', ({ address }) => address],
          ['Width', ({ width }) => width],
          ['Word order', ({ order }) => order ?? ''],
        ];
  const types: Column[] =
    plan.kind === 'iec104'
      ? [
          ['Type', ({ type }) => type],
          ['Type id', ({ type }) => iec104Type(type)?.untimed ?? ''],
          ['Type id with time', ({ type }) => iec104Type(type)?.timed ?? ''],
        ]
      : [['Type', ({ type }) => type]];
  return [
    ['Plan', () => plan.digest.slice(0, 16)],
    ['Generation', () => names.generation],
    ...where,
    ...types,
    ['Direction', direction],
    ['Class', ({ class: name }) => name],
    ['Asset', (place) => partsOf(place).asset],
    ['Point', (place) => partsOf(place).point],
    ['Asset name', (place) => names.asset(partsOf(place).asset) ?? ''],
    ['Point name', (place) => named(place)?.title ?? ''],
    ['Unit of value', (place) => named(place)?.unit ?? ''],
    ['Scale', ({ scale }) => scale ?? ''],
    ['Offset', ({ offset }) => offset ?? ''],
    ['Deadband', ({ deadband }) => deadband ?? ''],
    ['Group', ({ group }) => group ?? ''],
    ['Events', ({ event, role }) => (role === 'control' || role === 'reserved' ? '' : (event ?? ''))],
    ['SOE', ({ event }) => flag(event === 'soe')],
    ['Select', ({ control }) => flag(control?.select)],
    ['QU', ({ control }) => control?.qualifier ?? ''],
    ['Feedback', ({ role, pair }) => (role === 'control' ? (pair?.address ?? '') : '')],
    ['Lowest', (place) => place.control?.limits?.[0] ?? named(place)?.range?.[0] ?? ''],
    ['Highest', (place) => place.control?.limits?.[1] ?? named(place)?.range?.[1] ?? ''],
    ['Status', (place) => statusOf(place, names)],
  ];
}

/** The list of addresses for a third party: every one of the plan, the dead ones too, by station, class and address. */
export function pointFile(plan: AddressPlan, names: PointNames): PointFile {
  const columns = columnsOf(plan, names);
  const order = new Map<string, number>();
  for (const one of [...plan.entries, ...plan.tombstones]) {
    const key = `${one.station} ${one.class}`;
    if (!order.has(key)) order.set(key, order.size);
  }
  const rank = (place: Place): number => order.get(`${place.station} ${place.class}`) ?? 0;
  const isPlace = ({ id }: Tombstone): boolean => !/\/(?:reserved|spare)\.\d+$/.test(id);
  const places: Place[] = [...plan.entries, ...plan.tombstones.filter(isPlace)];
  places.sort((a, b) => rank(a) - rank(b) || a.address - b.address);
  return {
    header: columns.map(([header]) => header),
    rows: places.map((place) => columns.map(([, cell]) => cell(place))),
  };
}

/** A text that begins so would be run as a formula by a spreadsheet. */
const FORMULA = /^[=+\-@\t\r]/;

function csvCell(cell: Cell): string {
  if (typeof cell === 'number') return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** RFC 4180, lines ended by CR LF. */
export function toCsv({ header, rows }: PointFile): string {
  return [header, ...rows].map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}
