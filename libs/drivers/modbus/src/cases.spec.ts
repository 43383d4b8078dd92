import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadOutcome, Tag, TagShape, WriteResult } from '@busbar/driver-sdk';
import { CollectingWriter } from '@busbar/driver-testkit';
import { describe, expect, it } from 'vitest';
import { ScriptedDevice, type ScriptStep } from '../simulator/scripted-device.js';
import { type ModbusAddress, parseAddress } from './address.js';
import { ModbusClient } from './client.js';
import { connectionSchema, deviceSchema, quirksSchema } from './connection.js';
import { modbusDriver } from './driver.js';

interface CaseTag extends Partial<TagShape> {
  readonly address: string;
}

interface Case {
  readonly device?: object;
  readonly quirks?: object;
  readonly base?: 0 | 1;
  readonly tags?: readonly CaseTag[];
  readonly plan?: readonly string[];
  readonly wire?: readonly ScriptStep[];
  readonly samples?: Readonly<Record<string, unknown>>;
  readonly refused?: string;
  readonly writes?: readonly (CaseTag & ScriptStep & { value: number | boolean; outcome: string; answer?: string })[];
}

const folder = join(import.meta.dirname, '../cases');
const signal = new AbortController().signal;

function toTag(given: CaseTag, index: number, base: 0 | 1): Tag<ModbusAddress> {
  const address = parseAddress(given.address, base);
  if ('problem' in address) throw new Error(address.problem.reason);
  const { type, count = 1, length, order = 'ABCD', access = 'r', writeMode } = given;
  return { index, address, type, count, length, order, access, writeMode };
}

async function withDevice(steps: readonly ScriptStep[], run: (client: ModbusClient) => Promise<void>): Promise<void> {
  const device = await ScriptedDevice.start(steps);
  const client = await ModbusClient.connect(
    {
      connection: connectionSchema.parse({ host: '127.0.0.1', port: device.port }),
      readOnly: false,
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      log: { debug() {}, warn() {} },
      frame() {},
      secret: async () => '',
    },
    signal,
  );
  try {
    await run(client);
    expect(device.received).toEqual(steps.map((step) => step.sent));
  } finally {
    await client.close();
    await device.close();
  }
}

describe.each(readdirSync(folder))('%s', (name) => {
  const given = JSON.parse(readFileSync(join(folder, name, 'case.json'), 'utf8')) as Case;
  const device = deviceSchema.parse(given.device ?? {});
  const quirks = quirksSchema.parse(given.quirks ?? {});
  const tags = (given.tags ?? []).map((tag, index) => toTag(tag, index, given.base ?? 0));
  const requests = modbusDriver.poll?.plan({ device, quirks, tags }) ?? [];

  it('is planned as written', () => {
    expect(requests.map((request) => request.text)).toEqual(given.plan ?? []);
  });

  it('is what goes over the wire', async () => {
    const { wire = [], writes = [] } = given;
    await withDevice([...wire, ...writes], async (client) => {
      const samples: Record<string, unknown> = {};
      let refused: string | undefined;
      for (const request of wire.length > 0 ? requests : []) {
        const out = new CollectingWriter();
        const outcome = (await modbusDriver.poll?.read(client, request, out, signal)) as ReadOutcome;
        if (outcome.kind === 'refused') refused = outcome.reason;
        for (const [index, sample] of out.samples) samples[given.tags?.[index]?.address ?? ''] = sample.value;
      }
      expect(samples).toEqual(given.samples ?? {});
      expect(refused).toBe(given.refused);
      for (const write of writes) {
        const command = { ...toTag(write, 0, given.base ?? 0), device, quirks, value: write.value };
        const result = (await modbusDriver.write?.(client, command, signal)) as WriteResult;
        expect(result.outcome).toBe(write.outcome);
        if (write.answer !== undefined) expect(result.answer).toBe(write.answer);
      }
    });
  });
});
