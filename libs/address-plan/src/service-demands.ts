import type { EventMode, PlanEntry, ServicePoint } from './address-plan.js';
import { registersOf } from './modbus-types.js';
import type { PlanSettings } from './plan-settings.js';

export interface ServiceDemand {
  /** `@clock`, `@communication/inv-01`. */
  readonly id: string;
  readonly asset: string | undefined;
  readonly type: string;
  readonly width: number;
  readonly entry: Omit<PlanEntry, 'id' | 'asset' | 'station' | 'address' | 'pair'>;
}

type Typed = readonly [ServicePoint, string];

const IEC104: readonly Typed[] = [
  ['clock', 'M_SP'],
  ['dropped', 'M_ME_NC'],
  ['generation', 'M_ME_NC'],
  ['heartbeat', 'M_ME_NC'],
];
const MODBUS: readonly Typed[] = [
  ['heartbeat', 'uint16'],
  ['digest', 'uint32'],
  ['generation', 'uint32'],
  ['lost', 'uint16'],
  ['dropped', 'uint32'],
  ['clock', 'uint16'],
  ['result.sequence', 'uint16'],
  ['result.end', 'uint16'],
  ['result.rule', 'uint16'],
  ['result.address', 'uint16'],
  ['result.age', 'uint16'],
];
const PER_DEVICE: Readonly<Record<PlanSettings['kind'], readonly Typed[]>> = {
  iec104: [['communication', 'M_SP']],
  modbus: [
    ['communication', 'uint16'],
    ['age', 'uint16'],
  ],
};

/** What a connection says about itself, in the order of first addresses. */
export function serviceDemands(settings: PlanSettings, assets: readonly string[]): readonly ServiceDemand[] {
  const fixed = settings.kind === 'iec104' ? IEC104 : MODBUS;
  return [
    ...fixed.map((typed) => demand(settings, typed, undefined)),
    ...assets.flatMap((asset) => PER_DEVICE[settings.kind].map((typed) => demand(settings, typed, asset))),
  ];
}

function eventOf(service: ServicePoint, type: string): EventMode {
  if (type === 'M_SP') return 'soe';
  // A heartbeat is for those who poll; as an event each second it would only fill queues.
  return service === 'heartbeat' || service === 'age' ? 'none' : 'latest';
}

function demand(settings: PlanSettings, [service, type]: Typed, asset: string | undefined): ServiceDemand {
  const width = registersOf(type) ?? 1;
  return {
    id: asset === undefined ? `@${service}` : `@${service}/${asset}`,
    asset,
    type,
    width,
    entry: {
      role: 'service',
      class: 'service',
      service,
      width,
      type,
      ...(settings.kind === 'modbus' && width > 1 ? { order: settings.order } : {}),
      scale: 1,
      offset: 0,
      deadband: 0,
      event: eventOf(service, type),
      group: 0,
      cyclic: false,
      background: false,
    },
  };
}
