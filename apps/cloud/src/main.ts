import { join } from 'node:path';
import { formatHostPort, runProcess } from '@busbar/service-kit';
import { startCloud } from './cloud.js';

await runProcess('cloud', async ({ settings, log, clock, announce }) => {
  const cloud = await startCloud({
    mqtt: settings.cloudMqtt,
    http: settings.cloudHttp,
    devices: settings.cloudDevices,
    isCounting: settings.cloudCounting,
    files: join(settings.data, 'cloud-files'),
    clock,
    log,
  });
  announce(`cloud: MQTT mqtt://${formatHostPort(cloud.mqtt)}, HTTP http://${formatHostPort(cloud.http)}`);
  return cloud;
});
