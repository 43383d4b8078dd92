import { afterAll } from 'vitest';
import { CLUSTER_PROGRAMS, type Servers, startServers } from '../harness/servers.js';
import { Site } from '../harness/site.js';
import { describeOneValue } from '../scenarios/one-value.js';

let servers: Servers | undefined;

describeOneValue('one value all the way, as services on Kafka', {
  start: async () => {
    servers = await startServers();
    return Site.start({ programs: CLUSTER_PROGRAMS, env: servers.env });
  },
  restarted: ['api', 'arbiter', 'collector-1', 'mapper-2', 'uploader'],
});

afterAll(async () => {
  await servers?.stop();
});
