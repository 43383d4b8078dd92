import { type TestServer, testServerHost } from '@busbar/server-testkit';
import { afterEach, describe, expect, it } from 'vitest';
import type { Iec104Config } from './config.js';
import server from './server.js';
import { type RawMaster, rawMaster } from './test-master.js';
import { WIDE_CONFIG, wideClients, widePlant } from './test-wide-plant.js';

const POINTS = 50_000;
const MASTERS = 16;

let host: TestServer<Iec104Config>;
let masters: RawMaster[];

afterEach(async () => {
  for (const master of masters) master.close();
  await host.close();
});

describe('a server of 50,000 points', () => {
  it('answers 16 masters that interrogate at once, each completely', async () => {
    host = testServerHost(server, { config: WIDE_CONFIG, clients: wideClients(MASTERS), site: widePlant(POINTS) });
    const { image, plan } = host;
    const expected = new Map<number, number>();
    plan.entries.forEach(({ role, address }, slot) => {
      if (role !== 'value') return;
      expected.set(address, slot);
      // Never read: no event of its own, so that nothing but answers is on the wire.
      image.value[slot] = slot;
    });
    await host.listen();
    masters = await Promise.all(
      wideClients(MASTERS).map(async ({ group }) => (await rawMaster(host.port, { localAddress: group })).start()),
    );
    for (const master of masters) master.ask({ type: 100, cause: 6, more: [20] });
    for (const master of masters) {
      const isOver = () => master.received.at(-1)?.type === 100 && master.received.at(-1)?.cause === 10;
      await master.until(isOver, 'the end of its interrogation', 50_000);
      const answered = master.received.filter(({ cause, type }) => cause === 20 && type === 13);
      const values = new Map(answered.map(({ address, element }) => [address, element.readFloatLE(0)]));
      const own = [...expected].filter(([address, slot]) => values.get(address) === slot);
      expect([own.length, master.faults]).toEqual([POINTS, []]);
    }
  }, 60_000);
});
