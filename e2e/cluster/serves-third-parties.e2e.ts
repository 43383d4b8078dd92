import { afterAll } from 'vitest';
import { CLUSTER_PROGRAMS, type Servers, startServers } from '../harness/servers.js';
import { Site } from '../harness/site.js';
import { describeThirdParties } from '../scenarios/third-parties.js';

let servers: Servers | undefined;

describeThirdParties('third parties, as services on Kafka', {
  start: async () => {
    servers = await startServers();
    return Site.start({ programs: CLUSTER_PROGRAMS, env: servers.env });
  },
});

afterAll(() => servers?.stop());
