import { type DriverContext, type DriverFault, DriverFaultError } from '@busbar/driver-sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { serialFrame } from '../simulator/modbus-frames.js';
import { fromHex, ScriptedDevice, type ScriptStep, toHex } from '../simulator/scripted-device.js';
import { ModbusClient } from './client.js';
import { connectionSchema, type ModbusConnection } from './connection.js';
import { modbusDriver } from './driver.js';

const READ = { sent: '00 01 00 00 00 06 01 03 00 6B 00 01', reply: '00 01 00 00 00 05 01 03 02 02 2B' };
const request = { fc: 3, unit: 1, address: 107, quantity: 1 } as const;
const signal = new AbortController().signal;
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function connectTo(device: ScriptedDevice, more: object = {}): Promise<ModbusClient> {
  const context: DriverContext<ModbusConnection> = {
    connection: connectionSchema.parse({ host: '127.0.0.1', port: device.port, timeout: 500, ...more }),
    readOnly: false,
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    log: { debug() {}, warn() {} },
    frame() {},
    secret: async () => '',
  };
  const client = await ModbusClient.connect(context, signal);
  open.unshift(client);
  return client;
}

async function connect(steps: readonly ScriptStep[]): Promise<{ client: ModbusClient; device: ScriptedDevice }> {
  const device = await ScriptedDevice.start(steps);
  open.push(device);
  return { client: await connectTo(device), device };
}

async function fault(promise: Promise<unknown>): Promise<DriverFault | string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return error instanceof DriverFaultError ? error.fault : String(error);
  }
}

describe('a Modbus session', () => {
  it('ends when octets come that nobody asked for, and takes no value any more', async () => {
    const { client, device } = await connect([READ, READ]);
    expect((await client.read(request, signal)).toString('hex')).toBe('022b');
    device.push(fromHex(READ.reply));
    await client.pause(5_000);
    expect(await fault(client.read(request, signal))).toMatchObject({ kind: 'no-answer', sessionEnded: true });
    expect(device.received.length).toBe(1);
  });

  it('keeps a silence after each answer where the device needs one', async () => {
    const reply = (id: string) => ({ sent: '', reply: READ.reply.replace('00 01', `00 ${id}`) });
    const { client } = await connect([reply('01'), reply('02')]);
    const [planned] =
      modbusDriver.poll?.plan({
        device: { unitId: 1 },
        quirks: { maxBlock: 125, maxGap: 8, pauseBetween: 50, forbid: [] },
        tags: [
          {
            index: 0,
            address: { table: 'holding', offset: 107 },
            type: 'uint16',
            count: 1,
            length: undefined,
            order: 'ABCD',
            access: 'r',
            writeMode: undefined,
          },
        ],
      }) ?? [];
    const out = { put() {}, putText() {}, putInt64() {}, putArray() {} };
    const startMs = performance.now();
    if (planned) await modbusDriver.poll?.read(client, planned, out, signal);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(49);
  });

  it('discards what comes in the quiet time after a serial connect', async () => {
    const answer = serialFrame(1, fromHex('03 02 02 2B'));
    const device = await ScriptedDevice.start([{ sent: '', reply: toHex(answer) }]);
    device.greeting = serialFrame(1, fromHex('03 02 66 66'));
    open.push(device);
    const client = await connectTo(device, { framing: 'rtu', quiet: 60 });
    expect((await client.read(request, signal)).toString('hex')).toBe('022b');
  });

  it('refuses a second request while one is under way', async () => {
    const { client } = await connect([{ sent: '' }]);
    const first = fault(client.read(request, signal));
    expect(await fault(client.read(request, signal))).toBe('Error: one request at a time');
    await client.close();
    expect(await first).toMatchObject({ kind: 'connection-lost' });
  });

  it('goes on with its transaction ids in the next session to the same target', async () => {
    const { client, device } = await connect([READ]);
    await client.read(request, signal);
    await client.close();
    const next = await connectTo(device, { timeout: 100 });
    await fault(next.read(request, signal));
    expect(device.received[1]?.slice(0, 5)).toBe('00 02');
  });
});
