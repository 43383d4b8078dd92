import { BusbarError, type ErrorCode, errorFix, errorSentence, isBusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { HostPort } from '@busbar/service-kit';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Commands } from './commands.js';
import type { Device, DeviceList } from './device-list.js';
import { type Faults, faultSchema } from './faults.js';
import { addFileRoutes } from './file-routes.js';
import type { FileStore } from './file-store.js';
import type { Sessions } from './sessions.js';
import type { ValueLog } from './value-log.js';
import type { ValueStore } from './value-store.js';

const MAX_PAGE = 100_000;

const setSchema = z.strictObject({
  points: z
    .record(z.string().min(1), z.json())
    .refine((points) => Object.keys(points).length > 0, 'name at least one point'),
  timeoutMs: z.number().int().min(1).max(300_000).default(30_000),
});

const pageSchema = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
});

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  NOT_FOUND: 404,
  REQUEST_INVALID: 400,
  CLOUD_DEVICE_OFFLINE: 504,
  CLOUD_NO_ANSWER: 504,
};

export interface HttpParts {
  readonly devices: DeviceList;
  readonly sessions: Sessions;
  readonly values: ValueStore;
  readonly commands: Commands;
  readonly faults: Faults;
  readonly files: FileStore;
  readonly clock: Clock;
}

function parse<T>(schema: z.ZodType<T>, given: unknown): T {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const reason = `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'wrong shape'}`;
  throw new BusbarError('REQUEST_INVALID', { reason });
}

function sendError(error: unknown, _request: FastifyRequest, reply: FastifyReply): void {
  if (isBusbarError(error)) {
    const { code, params } = error;
    const body = { code, sentence: errorSentence(code, params), fix: errorFix(code, params) };
    void reply.status(STATUS[code] ?? 500).send(body);
    return;
  }
  // Fastify's own: a body that is no JSON, too large, of another type.
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  const code = statusCode < 500 ? 'REQUEST_INVALID' : 'INTERNAL';
  const params = { reason: message };
  void reply.status(statusCode).send({ code, sentence: errorSentence(code, params), fix: errorFix(code, params) });
}

/** The routes by which scripts and people look into the stand-in and command its devices. */
export async function startHttp(
  parts: HttpParts,
  log: ValueLog | null,
  address: HostPort,
): Promise<{ server: FastifyInstance; address: HostPort }> {
  const server = Fastify({ forceCloseConnections: true });
  server.setErrorHandler(sendError);
  server.setNotFoundHandler((request, reply) =>
    sendError(new BusbarError('NOT_FOUND', { kind: 'route', id: `${request.method} ${request.url}` }), request, reply),
  );
  addValueRoutes(server, parts, log);
  addControlRoutes(server, parts);
  addFileRoutes(server, parts);
  await server.listen({ host: address.host, port: address.port });
  const bound = server.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { server, address: { host: address.host, port } };
}

function addValueRoutes(server: FastifyInstance, parts: HttpParts, log: ValueLog | null): void {
  const { devices, sessions, values } = parts;
  server.get('/api/v1/summary', () => {
    const assets: Record<string, unknown> = {};
    for (const device of devices.all()) {
      const isOnline = sessions.holder(device) !== undefined;
      assets[device.deviceKey] = { ...values.counts(device.deviceKey), online: isOnline };
    }
    return { ...values.total, assets };
  });
  server.get<{ Params: { deviceKey: string } }>('/api/v1/devices/:deviceKey/points', (request) => {
    const { deviceKey } = known(devices, request.params.deviceKey);
    return { deviceKey, points: values.newest(deviceKey) };
  });
  if (!log) return;
  server.get<{ Params: { deviceKey: string } }>('/api/v1/devices/:deviceKey/values', (request) => {
    const { deviceKey } = known(devices, request.params.deviceKey);
    const { after, limit } = parse(pageSchema, request.query);
    return log.page(deviceKey, after, limit);
  });
}

function addControlRoutes(server: FastifyInstance, parts: HttpParts): void {
  const { devices, sessions, commands, faults } = parts;
  server.post<{ Params: { deviceKey: string } }>('/api/v1/devices/:deviceKey/set', (request) => {
    const device = known(devices, request.params.deviceKey);
    const { points, timeoutMs } = parse(setSchema, request.body);
    return commands.set(device, points, timeoutMs);
  });
  server.get('/api/v1/faults', () => ({ faults: faults.list() }));
  server.post('/api/v1/faults', (request) => {
    const fault = parse(faultSchema, request.body);
    const device = fault.deviceKey === undefined ? undefined : known(devices, fault.deviceKey);
    if (fault.kind !== 'disconnect') {
      faults.add(fault);
      return { faults: faults.list() };
    }
    const hit = sessions.all().filter((session) => !device || session.has(device));
    for (const session of hit) session.link.close();
    return { disconnected: hit.length };
  });
  server.delete('/api/v1/faults', () => {
    faults.clear();
    return { faults: [] };
  });
}

function known(devices: DeviceList, deviceKey: string): Device {
  const device = devices.byKey(deviceKey);
  if (!device) throw new BusbarError('NOT_FOUND', { kind: 'device', id: deviceKey });
  return device;
}
