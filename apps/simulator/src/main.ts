import { formatHostPort, runProcess } from '@busbar/service-kit';
import { startSimulator } from './simulator.js';

await runProcess('simulator', async ({ settings, clock, announce }) => {
  const simulator = await startSimulator({
    modbus: settings.simulatorModbus,
    http: settings.simulatorHttp,
    counting: settings.simulatorCounting,
    clock,
  });
  const [first, second] = simulator.modbus.map(formatHostPort);
  const devices = settings.simulatorCounting
    ? `${simulator.modbus.length} counting devices from ${first} on`
    : `inverters at ${first} (units 1-4), meter at ${second} (unit 1)`;
  announce(`simulator: Modbus TCP, ${devices}; HTTP at http://${formatHostPort(simulator.http)}`);
  return simulator;
});
