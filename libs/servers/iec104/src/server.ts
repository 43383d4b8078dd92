import { defineServer } from '@busbar/server-sdk';
import { iec104ConfigSchema } from './config.js';
import { Iec104Listener } from './listener.js';

export default defineServer({
  id: 'iec104',
  version: '1.0.0',
  title: 'IEC 60870-5-104',
  summary: 'Offers points as information objects to control centers that come by IEC 60870-5-104.',
  stability: 'beta',
  addressing: 'iec104',
  config: iec104ConfigSchema,
  listen: (host, signal) => new Iec104Listener(host).open(signal),
});
