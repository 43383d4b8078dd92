import { BusbarError, errorFix, errorSentence, isBusbarError } from '@busbar/errors';
import { formatHostPort } from '@busbar/service-kit';
import Fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SimulatedDevice } from './device.js';
import { faultRequest } from './faults.js';
import type { ModbusEndpoint } from './modbus-endpoint.js';
import type { SimulatedClock } from './simulated-clock.js';

const clockRequest = z
  .strictObject({
    time: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/, 'write HH:MM or HH:MM:SS')
      .optional(),
    speed: z.number().min(0).max(3_600).optional(),
  })
  .refine(({ time, speed }) => time !== undefined || speed !== undefined, 'write time, speed or both');

const afterQuery = z.strictObject({ after: z.coerce.number().int().min(0).default(0) });

export interface HttpParts {
  readonly endpoints: readonly ModbusEndpoint[];
  /** Absent in counting mode. */
  readonly clock: SimulatedClock | null;
}

interface Placed {
  readonly device: SimulatedDevice;
  readonly endpoint: ModbusEndpoint;
}

type DeviceRoute = { Params: { id: string } };

/** The routes by which people and tests watch and disturb the simulated devices. */
export function createHttp({ endpoints, clock }: HttpParts): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  app.removeContentTypeParser('text/plain');
  const places = new Map<string, Placed>();
  for (const endpoint of endpoints) for (const device of endpoint.devices) places.set(device.id, { device, endpoint });

  app.setErrorHandler((error, _request, reply) => {
    const known = toBusbarError(error);
    reply.status(statusOf(known)).send(errorBody(known));
  });
  app.setNotFoundHandler((request, reply) => {
    reply
      .status(404)
      .send(errorBody(new BusbarError('NOT_FOUND', { kind: 'route', id: `${request.method} ${request.url}` })));
  });

  app.get('/health/live', () => ({ status: 'ok' }));
  app.get('/api/v1/devices', () => ({ devices: [...places.values()].map((placed) => describe(placed, !clock)) }));
  app.get<DeviceRoute>('/api/v1/devices/:id', ({ params }) => describe(find(places, params.id), false));
  app.post<DeviceRoute>('/api/v1/devices/:id/faults', ({ params, body }, reply) => {
    const { device, endpoint } = find(places, params.id);
    const fault = device.faults.add(parse(faultRequest, body));
    if (fault.kind === 'flapping') endpoint.dropConnections();
    reply.status(201).send(fault);
  });
  app.delete<DeviceRoute>('/api/v1/devices/:id/faults', ({ params }, reply) => {
    find(places, params.id).device.faults.clear();
    reply.status(204).send();
  });
  for (const direction of ['reads', 'writes'] as const) {
    app.get<DeviceRoute>(`/api/v1/devices/:id/${direction}`, ({ params, query }) => {
      const { journals } = find(places, params.id).device;
      if (!journals) throw new BusbarError('REQUEST_INVALID', { reason: 'only counting mode keeps a journal' });
      const { entries, next, oldest } = journals[direction].after(parse(afterQuery, query).after);
      return { [direction]: entries, next, oldest };
    });
  }
  app.get('/api/v1/clock', () => needClock(clock).now());
  app.put('/api/v1/clock', ({ body }) => {
    const simulated = needClock(clock);
    simulated.set(parse(clockRequest, body));
    return simulated.now();
  });
  return app;
}

function describe({ device, endpoint }: Placed, isShort: boolean) {
  return {
    id: device.id,
    endpoint: formatHostPort(endpoint.address),
    unit: device.unit,
    reads: device.reads,
    writes: device.writes,
    faults: device.faults.active,
    values: isShort ? {} : device.values(),
  };
}

function find(places: ReadonlyMap<string, Placed>, id: string): Placed {
  const placed = places.get(id);
  if (!placed) throw new BusbarError('NOT_FOUND', { kind: 'device', id });
  return placed;
}

function needClock(clock: SimulatedClock | null): SimulatedClock {
  if (!clock) throw new BusbarError('REQUEST_INVALID', { reason: 'counting mode has no clock' });
  return clock;
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0] ?? { path: [], message: 'not allowed' };
  throw new BusbarError('REQUEST_INVALID', { reason: path.length > 0 ? `${path.join('.')}: ${message}` : message });
}

/** What Fastify itself refuses (no JSON, too long) is a bad request; anything else unknown is our defect. */
function toBusbarError(error: unknown): BusbarError {
  if (isBusbarError(error)) return error;
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  const said = error instanceof Error ? error.message : String(error);
  const reason = status === 415 ? 'send JSON, with the header content-type: application/json' : said;
  return new BusbarError(status < 500 ? 'REQUEST_INVALID' : 'INTERNAL', { reason }, { cause: error });
}

function statusOf(error: BusbarError): number {
  if (error.code === 'NOT_FOUND') return 404;
  return error.code === 'REQUEST_INVALID' ? 400 : 500;
}

function errorBody({ code, params }: BusbarError) {
  return { code, sentence: errorSentence(code, params), fix: errorFix(code, params) };
}
