import { defineServer } from '@busbar/server-sdk';
import { modbusConfigSchema } from './config.js';
import { ModbusListener } from './listener.js';

export default defineServer({
  id: 'modbus',
  version: '1.0.0',
  title: 'Modbus TCP',
  summary: 'Offers points as coils, discrete inputs and registers to masters that come by Modbus TCP.',
  stability: 'beta',
  addressing: 'modbus',
  config: modbusConfigSchema,
  listen: (host, signal) => new ModbusListener(host).open(signal),
});
