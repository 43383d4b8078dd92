import { afterAll } from 'vitest';
import { type Servers, startServers } from '../harness/servers.js';
import { Site } from '../harness/site.js';
import { describeFiles } from '../scenarios/files.js';

/** Those that have a part in it, and a second file collector. */
const PROGRAMS = ['api', 'arbiter', 'collector', 'mapper', 'licenser', 'file-collector-1', 'file-collector-2'];
let servers: Servers | undefined;

describeFiles('file collection, as services on Kafka', {
  prepare: async (options) => {
    servers = await startServers();
    return Site.prepare({ ...options, programs: PROGRAMS, env: servers.env });
  },
  leaves: 'file-collector-1',
});

afterAll(() => servers?.stop());
