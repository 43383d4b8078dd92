import type { AddressInfo } from 'node:net';
import { BusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import { type HostPort, listenFailure } from '@busbar/service-kit';
import { type CountingShape, countingProblem } from './counting.js';
import { createCountingDevice } from './counting-device.js';
import { createHttp } from './http.js';
import { ModbusEndpoint } from './modbus-endpoint.js';
import { Plant } from './plant.js';
import { SimulatedClock } from './simulated-clock.js';
import { createSite } from './site.js';

const MODBUS_SETTING = 'BUSBAR_SIMULATOR_MODBUS';
const HTTP_SETTING = 'BUSBAR_SIMULATOR_HTTP';
const COUNTING_SETTING = 'BUSBAR_SIMULATOR_COUNTING';

export interface SimulatorOptions {
  /** First Modbus port; the others follow it. Port 0: any free ones. */
  readonly modbus: HostPort;
  readonly http: HostPort;
  /** Instead of the photovoltaic site, so many devices whose values count. */
  readonly counting?: CountingShape | undefined;
  readonly clock: Clock;
}

export interface Simulator {
  /** Inverters and meter, or in counting mode one per device. */
  readonly modbus: readonly HostPort[];
  readonly http: HostPort;
  /** Safe twice. */
  stop(): Promise<void>;
}

/**
 * Starts the simulated devices and their HTTP side.
 * Throws PORT_IN_USE or SETTING_INVALID, each naming the setting; nothing stays open then.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { endpoints, clock } = options.counting
    ? { endpoints: createCounting(options.counting, options.clock), clock: null }
    : createPlantSite(options.clock);
  const http = createHttp({ endpoints, clock });
  const stop = async () => {
    await Promise.all([http.close(), ...endpoints.map((endpoint) => endpoint.close())]);
  };
  try {
    for (const [index, endpoint] of endpoints.entries()) await listen(endpoint, nth(options.modbus, index));
    await http.listen(options.http).catch((error) => {
      throw listenFailure(error, options.http, HTTP_SETTING);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const bound = http.server.address() as AddressInfo;
  return {
    modbus: endpoints.map((endpoint) => endpoint.address),
    http: { host: bound.address, port: bound.port },
    stop,
  };
}

function createPlantSite(clock: Clock) {
  const plant = new Plant(clock.monotonicMs());
  const { inverters, meter } = createSite(plant, clock);
  return {
    endpoints: [new ModbusEndpoint(inverters), new ModbusEndpoint([meter])],
    clock: new SimulatedClock(plant, clock),
  };
}

function createCounting(shape: CountingShape, clock: Clock): readonly ModbusEndpoint[] {
  const reason = countingProblem(shape);
  if (reason !== null) {
    const value = `${shape.devices}x${shape.tags}`;
    throw new BusbarError('SETTING_INVALID', { name: COUNTING_SETTING, value, reason });
  }
  return Array.from(
    { length: shape.devices },
    (_, device) => new ModbusEndpoint([createCountingDevice(shape, device, clock)]),
  );
}

function nth({ host, port }: HostPort, index: number): HostPort {
  return { host, port: port === 0 ? 0 : port + index };
}

async function listen(endpoint: ModbusEndpoint, address: HostPort): Promise<void> {
  if (address.port > 65_535) {
    const reason = 'the devices take more ports than there are above it';
    throw new BusbarError('SETTING_INVALID', { name: MODBUS_SETTING, value: address.port, reason });
  }
  await endpoint.listen(address).catch((error) => {
    throw listenFailure(error, address, MODBUS_SETTING);
  });
}
