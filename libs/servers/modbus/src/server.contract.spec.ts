import { describeServer } from '@busbar/server-testkit';
import server from './server.js';
import { modbusClient } from './test-modbus-client.js';

describeServer(server, modbusClient);
