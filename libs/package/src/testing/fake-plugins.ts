import { iec104PlanFields, modbusPlanFields } from '@busbar/address-plan';
import { z } from 'zod';
import type { DriverCheck, FieldProblem, OptionsCheck, PackagePlugins, ServerCheck, SinkCheck } from '../result.js';

/** Checks as the real plug-ins make them, from schemas of our own: validation must not depend on any one of them. */
function optionsCheck(schema: z.ZodType<Record<string, unknown>>, secrets: readonly string[] = []): OptionsCheck {
  return {
    secrets,
    parse(options) {
      const result = schema.safeParse(options);
      if (result.success) return { value: result.data };
      const problems = result.error.issues.flatMap((issue): FieldProblem[] => {
        const path = issue.path as (string | number)[];
        if (issue.code !== 'unrecognized_keys') return [{ path, reason: issue.message, fix: 'Correct it.' }];
        return issue.keys.map((key) => ({
          path: [...path, key],
          reason: 'there is no such field',
          fix: 'Take it out.',
        }));
      });
      return { problems };
    },
  };
}

const FORM = /^(coil|discrete|input|holding):(\d{1,5})(?:\.\d{1,2})?$/;

const modbus: DriverCheck = {
  id: 'modbus',
  connection: optionsCheck(
    z.strictObject({
      host: z.string().default('localhost'),
      port: z.number().int().min(1).max(65_535).default(502),
      timeout: z.string().optional(),
      password: z.string().optional(),
    }),
    ['password'],
  ),
  device: optionsCheck(z.strictObject({ unitId: z.number().int().min(0).max(255).default(1) })),
  quirks: optionsCheck(
    z.strictObject({
      maxBlock: z.number().optional(),
      maxGap: z.number().optional(),
      pauseBetween: z.string().optional(),
      forbid: z.array(z.string()).optional(),
    }),
  ),
  addressExamples: ['holding:0'],
  checkTag({ address, type, length, access }, base) {
    const [, table, offset] = FORM.exec(address) ?? [];
    if (table === undefined || Number(offset) < base || Number(offset) > 65_535 + base) {
      return { code: 'TAG_ADDRESS', reason: 'it has another form', fix: 'Write holding:0 to holding:65535.' };
    }
    const isBit = table === 'coil' || table === 'discrete';
    if (isBit && type !== undefined && type !== 'bool') {
      return { code: 'TAG_TYPE', reason: `${table} holds bits`, fix: 'Write bool.' };
    }
    if (access !== 'r' && (table === 'input' || table === 'discrete')) {
      return { code: 'TAG_ACCESS', reason: `${table} cannot be written`, fix: 'Write access r.' };
    }
    if (type === 'string' && length === undefined) {
      return { code: 'TAG_LENGTH', reason: 'a string needs one', fix: 'Give the octets.' };
    }
    return null;
  },
  subscribes: false,
};

/** A driver whose devices send by themselves and whose addresses may be anything. */
const pushed: DriverCheck = { ...modbus, id: 'pushed', checkTag: () => null, subscribes: true };

const enos: SinkCheck = {
  id: 'enos',
  config: optionsCheck(
    z.strictObject({
      url: z.string(),
      productKey: z.string().optional(),
      deviceKey: z.string().optional(),
      deviceSecret: z.string(),
    }),
    ['deviceSecret'],
  ),
  identity: optionsCheck(z.strictObject({ productKey: z.string(), deviceKey: z.string(), deviceSecret: z.string() }), [
    'deviceSecret',
  ]),
};

const mqtt: SinkCheck = {
  id: 'mqtt',
  config: optionsCheck(z.strictObject({ url: z.string().optional(), topic: z.string().optional() })),
  identity: optionsCheck(z.strictObject({})),
};

const iec104: ServerCheck = {
  id: 'iec104',
  addressing: 'iec104',
  config: optionsCheck(
    z.looseObject({
      address: z.string().optional(),
      timezone: z.string().optional(),
      ...iec104PlanFields,
      port: z.number().int().min(0).max(65_535).default(2404),
      key: z.string().optional(),
    }),
    ['key'],
  ),
};

const modbusServer: ServerCheck = {
  id: 'modbus',
  addressing: 'modbus',
  config: optionsCheck(
    z.strictObject({
      address: z.string().optional(),
      ...modbusPlanFields,
      port: z.number().int().min(0).max(65_535).default(502),
    }),
  ),
};

export const FAKE_PLUGINS: PackagePlugins = {
  drivers: new Map([modbus, pushed].map((driver) => [driver.id, driver])),
  sinks: new Map([enos, mqtt].map((sink) => [sink.id, sink])),
  servers: new Map([iec104, modbusServer].map((server) => [server.id, server])),
};
