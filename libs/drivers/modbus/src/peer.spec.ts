import { createServer } from 'node:net';
import modbusSerial from 'modbus-serial';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModbusClient } from './client.js';
import { connectionSchema } from './connection.js';

/** A server that others wrote: modbus-serial's own. */
let server: InstanceType<typeof modbusSerial.ServerTCP>;
let port: number;
const written: { readonly address: number; readonly value: number }[] = [];

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port: free } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return free;
}

beforeAll(async () => {
  port = await freePort();
  const vector = {
    getHoldingRegister: (address: number) => address * 3,
    getInputRegister: (address: number) => address * 5,
    getCoil: (address: number) => address % 3 === 0,
    getDiscreteInput: (address: number) => address % 2 === 0,
    setRegister: (address: number, value: number) => void written.push({ address, value }),
  };
  server = new modbusSerial.ServerTCP(vector, { host: '127.0.0.1', port, unitID: 1 });
  await new Promise<void>((resolve) => server.once('initialized', () => resolve()));
});

afterAll(async () => {
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

describe('a server of modbus-serial', () => {
  it('is read by every function', async () => {
    const signal = new AbortController().signal;
    const context = {
      connection: connectionSchema.parse({ host: '127.0.0.1', port }),
      readOnly: false,
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      log: { debug() {}, warn() {} },
      frame() {},
      secret: async () => '',
    };
    const client = await ModbusClient.connect(context, signal);
    const registers = await client.read({ fc: 3, unit: 1, address: 100, quantity: 50 }, signal);
    expect(Array.from({ length: 50 }, (_, i) => registers.readUInt16BE(2 * i))).toEqual(
      Array.from({ length: 50 }, (_, i) => (100 + i) * 3),
    );
    const inputs = await client.read({ fc: 4, unit: 1, address: 7, quantity: 2 }, signal);
    expect([inputs.readUInt16BE(0), inputs.readUInt16BE(2)]).toEqual([35, 40]);
    expect((await client.read({ fc: 1, unit: 1, address: 0, quantity: 8 }, signal))[0]).toBe(0b0100_1001);
    expect((await client.read({ fc: 2, unit: 1, address: 0, quantity: 8 }, signal))[0]).toBe(0b0101_0101);
    await client.write({ unit: 1, request: { fc: 6, address: 9, value: 1234 } }, signal);
    expect(written).toEqual([{ address: 9, value: 1234 }]);
    await client.close();
  });
});
