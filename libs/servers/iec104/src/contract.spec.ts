import { describeServer } from '@busbar/server-testkit';
import server from './server.js';
import { masterSimulator } from './test-master.js';

describeServer(server, masterSimulator);
