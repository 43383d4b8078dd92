import * as crypto from 'node:crypto';
import type { AddressPlan, PlanClass, PlanEntry, PlanFinding, SparePlaces, Tombstone } from './address-plan.js';
import { IEC104_CLASSES, MODBUS_AREAS } from './address-plan.js';
import { lineParts, type PlanLine } from './plan-lines.js';
import { type PlanSettings, type Space, spacesOf } from './plan-settings.js';
import { Planner } from './planner.js';
import type { PlanDevice, PlanSite } from './template.js';

export interface Planned extends AddressPlan {
  /** With an error among them the plan must not be used. */
  readonly findings: readonly PlanFinding[];
}

/**
 * Addresses of everything that a connection offers. An entry of the same identity, type and width keeps its address;
 * nothing shifts, ever; what is gone is not used again.
 *
 * @param previous what busbar.lock keeps of the plan before; empty for the first one.
 */
export function plan(settings: PlanSettings, site: PlanSite, previous: readonly PlanLine[] = []): Planned {
  const findings: PlanFinding[] = [];
  checkDevices(settings, site, findings);
  const isFirst = settings.policy === 'dense' || settings.renumber === true;
  const lines = isFirst ? [] : renamed(site, released(settings, previous));
  const planner = new Planner(settings, { site, lines, findings });
  const { entries, tombstones, spares } = planner.run();
  checkBounds(settings, { planner, entries }, findings);
  checkOverlaps(settings, entries, findings);
  const sorted = paired(entries.sort(byAddress));
  const byPlace = { tombstones: tombstones.sort(byAddress), spares: spares.sort(byAddress) };
  return { kind: settings.kind, entries: sorted, ...byPlace, digest: planDigest(sorted, tombstones), findings };
}

function checkDevices(settings: PlanSettings, { devices, templates }: PlanSite, findings: PlanFinding[]): void {
  const byIndex = new Map<number, string>();
  for (const { asset, index, template } of devices) {
    const other = byIndex.get(index);
    if (other !== undefined) {
      findings.push({ severity: 'error', code: 'FORWARD_INDEX', params: { a: other, b: asset, index }, asset });
    }
    byIndex.set(index, asset);
    if (!templates.has(template)) throw new RangeError(`the device ${asset} names the unknown template ${template}`);
  }
  if (settings.kind === 'iec104' && settings.stations === 'per-group') {
    for (const { asset, group } of devices) {
      if (group !== undefined) continue;
      const params = { asset, reason: 'stations are by group, and it is in none', remedy: 'Give it a `group`' };
      findings.push({ severity: 'error', code: 'FORWARD_STATION', params, asset });
    }
  }
}

function released({ release }: PlanSettings, lines: readonly PlanLine[]): readonly PlanLine[] {
  return release ? lines.filter(({ id, state }) => state === '' || !release.has(id)) : lines;
}

/** Lines under the ids that assets and points have now. A name that is in use already is not taken over. */
function renamed({ devices, templates }: PlanSite, lines: readonly PlanLine[]): readonly PlanLine[] {
  const known = new Set(lines.map(({ id }) => lineParts(id).asset));
  const assets = new Map<string, PlanDevice>();
  for (const device of devices) {
    assets.set(device.asset, device);
    if (device.was !== undefined && !known.has(device.asset)) assets.set(device.was, device);
  }
  const ids = new Set(lines.map(({ space, id }) => `${space} ${id}`));
  const points = new Map(
    [...templates].map(([id, { rows }]) => [
      id,
      new Map(rows.flatMap((row) => ('point' in row && row.was !== undefined ? [[row.was, row.point] as const] : []))),
    ]),
  );
  return lines.map((line) => {
    if (line.id.startsWith('@')) {
      const [service = '', asset] = line.id.split('/');
      const now = asset === undefined ? undefined : assets.get(asset)?.asset;
      return now === undefined || now === asset ? line : { ...line, id: `${service}/${now}` };
    }
    const { asset } = lineParts(line.id);
    const device = assets.get(asset);
    if (!device) return line;
    const point = line.id.slice(asset.length + 1);
    const isTaken = (id: string): boolean => ids.has(`${line.space} ${device.asset}/${id}`);
    const now = points.get(device.template)?.get(point);
    const id = `${device.asset}/${now !== undefined && !isTaken(now) ? now : point}`;
    return id === line.id ? line : { ...line, id };
  });
}

function checkBounds(
  settings: PlanSettings,
  { planner, entries }: { readonly planner: Planner; readonly entries: readonly PlanEntry[] },
  findings: PlanFinding[],
): void {
  const roomOf = ({ start, end }: Space): number => Math.max(0, end - start + 1);
  const beyond = [...planner.spaces()].filter(({ space, tail }) => tail - 1 > space.end);
  const tooMany = beyond.filter(({ space, count }) => count > roomOf(space));
  const crowded = new Set(tooMany.map(({ space, station }) => `${space.domain} ${station}`));
  for (const one of beyond) {
    const { space, station, tail, count } = one;
    // Whom a neighbor that is too large pushed aside is not at fault.
    if (!tooMany.includes(one) && crowded.has(`${space.domain} ${station}`)) continue;
    const room = roomOf(space);
    const params = {
      class: space.class,
      station,
      start: space.start,
      need: count > room ? count : tail - space.start,
      room,
      next: space.next ?? 'the end of all addresses',
      name: settings.kind === 'iec104' ? 'stations' : 'units',
    };
    findings.push({ severity: 'error', code: 'FORWARD_SPACE', params });
  }
  const last = settings.kind === 'iec104' ? 65_534 : 247;
  for (const station of new Set(entries.map((entry) => entry.station))) {
    const isOne = settings.kind === 'modbus' && settings.units === 'one';
    if (isOne || (station >= 0 && station <= last)) continue;
    const asset = entries.find((entry) => entry.station === station)?.asset ?? '';
    const reason = `it would be ${station}, the last one is ${last}`;
    const params = { asset, reason, remedy: 'Give it a smaller index, or use one station for several' };
    findings.push({ severity: 'error', code: 'FORWARD_STATION', params, asset });
  }
}

/** Settings that put two spaces into one domain find addresses that were given before they did. */
function checkOverlaps(settings: PlanSettings, entries: readonly PlanEntry[], findings: PlanFinding[]): void {
  const spaces = spacesOf(settings);
  const taken = new Map<string, string>();
  for (const entry of entries) {
    for (let at = entry.address; at < entry.address + entry.width; at++) {
      const key = `${spaces.get(entry.class)?.domain} ${entry.station} ${at}`;
      const other = taken.get(key);
      taken.set(key, entry.id);
      if (other === undefined) continue;
      const params = { point: entry.id, reason: `address ${at} is that of ${other} too` };
      const asset = entry.asset === undefined ? {} : { asset: entry.asset };
      findings.push({ severity: 'error', code: 'FORWARD_PLACE', params, ...asset });
      return;
    }
  }
}

const CLASS_ORDER = new Map<PlanClass, number>(
  [...IEC104_CLASSES, ...MODBUS_AREAS, 'quality' as const, 'service' as const].map((name, index) => [name, index]),
);

function byAddress(a: Tombstone | SparePlaces, b: Tombstone | SparePlaces): number {
  const order = (one: { readonly class: PlanClass }): number => CLASS_ORDER.get(one.class) ?? 0;
  return a.station - b.station || order(a) - order(b) || a.address - b.address;
}

function paired(entries: readonly PlanEntry[]): PlanEntry[] {
  const find = (role: 'value' | 'control'): Map<string, PlanEntry> =>
    new Map(entries.filter((entry) => entry.role === role).map((entry) => [entry.id, entry]));
  const values = find('value');
  const controls = find('control');
  const feedbackOf = ({ id, role }: PlanEntry): PlanEntry | undefined =>
    values.get(id) ?? (role === 'quality' ? controls.get(id) : undefined);
  return entries.map((entry) => {
    const other =
      entry.role === 'value' ? controls.get(entry.id) : entry.role === 'service' ? undefined : feedbackOf(entry);
    return other ? { ...entry, pair: { class: other.class, address: other.address } } : entry;
  });
}

/** Independent of the order of fields, so that it can be checked after a trip through JSON. */
export function planDigest(entries: readonly PlanEntry[], tombstones: readonly Tombstone[]): string {
  const hash = crypto.createHash('sha256');
  for (const one of entries) {
    const { pair, control } = one;
    const fields = [
      one.id,
      one.role,
      one.class,
      one.station,
      one.address,
      one.width,
      one.type,
      one.order ?? '',
      one.scale,
      one.offset,
      one.values ?? [],
      one.deadband,
      one.event,
      one.group,
      one.cyclic,
      one.background,
      control ? [control.select, control.qualifier, control.limits ?? []] : [],
      pair ? [pair.class, pair.address] : [],
    ];
    hash.update(`${JSON.stringify(fields)}\n`, 'utf8');
  }
  for (const one of tombstones) {
    hash.update(`${JSON.stringify([one.id, one.class, one.station, one.address, one.width, one.type])}\n`, 'utf8');
  }
  return hash.digest('hex');
}
