import type { ServerSpec } from '@busbar/server-sdk';
import { describe } from 'vitest';
import type { ClientSimulator } from './client-simulator.js';
import { describeCommands } from './describe-commands.js';
import { describeFields } from './describe-fields.js';
import { describeLinks } from './describe-links.js';
import { describeValues } from './describe-values.js';

/** The contract of every forwarding server. `simulator` is a master on a real socket. */
export function describeServer<Config>(server: ServerSpec<Config>, simulator: ClientSimulator): void {
  describe(`server ${server.id} keeps the contract of forwarding servers`, () => {
    describeFields(server, simulator);
    describe('with values', () => describeValues(server, simulator));
    describe('with commands', () => describeCommands(server, simulator));
    describe('with masters that come, go and misbehave', () => describeLinks(server, simulator));
  });
}
