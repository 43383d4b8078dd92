import type { PlanEntry } from '../address-plan.js';
import { type Planned, plan } from '../plan.js';
import { type PlanLine, planLines } from '../plan-lines.js';
import { type PlanOptions, type PlanSettings, planSettings } from '../plan-settings.js';
import type { ForwardingTemplate, PlanDevice, PlanSite, PointRow, ReservedRow, TemplateRow } from '../template.js';

const OPTIONS: PlanOptions = { control: true };

export function iec104(settings: object = {}, options: Partial<PlanOptions> = {}): PlanSettings {
  return planSettings('iec104', settings, { ...OPTIONS, ...options });
}

export function modbus(settings: object = {}, options: Partial<PlanOptions> = {}): PlanSettings {
  return planSettings('modbus', settings, { ...OPTIONS, ...options });
}

export function bit(point: string, rest: Partial<PointRow> = {}): PointRow {
  return { point, model: { type: 'bool', kind: 'DI', access: 'r' }, ...rest };
}

export function measured(point: string, rest: Partial<PointRow> = {}): PointRow {
  return { point, model: { type: 'double', kind: 'AI', access: 'r' }, ...rest };
}

/** A switch that is commanded and cannot be read. */
export function command(point: string): PointRow {
  return { point, model: { type: 'bool', kind: 'DI', access: 'w' } };
}

export function reserved(name: ReservedRow['class'], count = 1): ReservedRow {
  return { reserved: count, class: name };
}

/** Devices `<name>1`, `<name>2` .. of one template. */
export function siteOf(rows: readonly TemplateRow[], devices: readonly (PlanDevice | number)[]): PlanSite {
  const template: ForwardingTemplate = { id: 't', rows };
  const made = devices.map((one) => (typeof one === 'number' ? { asset: `d${one}`, index: one, template: 't' } : one));
  return { devices: made, templates: new Map([['t', template]]) };
}

/** The plan and the lines that the next one is made with. */
export function planned(
  settings: PlanSettings,
  site: PlanSite,
  previous?: readonly PlanLine[],
): { readonly plan: Planned; readonly lines: readonly PlanLine[]; at(name: string): number | undefined } {
  const made = plan(settings, site, previous);
  const at = (name: string): number | undefined => entryAt(made.entries, name)?.address;
  return { plan: made, lines: planLines(made, settings), at };
}

/** `YX d1/A`: class, blank, id. */
export function entryAt(entries: readonly PlanEntry[], name: string): PlanEntry | undefined {
  return entries.find((entry) => `${entry.class} ${entry.id}` === name);
}

/** Class, id and address of what is no service point, as texts. */
export function addresses(entries: readonly PlanEntry[]): string[] {
  return entries.filter(({ role }) => role !== 'service').map((entry) => `${entry.class} ${entry.address} ${entry.id}`);
}
