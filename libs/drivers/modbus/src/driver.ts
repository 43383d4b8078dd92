import {
  DriverFaultError,
  defineDriver,
  type ReadOutcome,
  type SampleWriter,
  type WriteResult,
} from '@busbar/driver-sdk';
import { bad } from '@busbar/model';
import { exceptionName } from '@busbar/protocol-modbus';
import { modbusAddress } from './address.js';
import { ModbusClient, ModbusException } from './client.js';
import { decodeAnswer, encodeWrite, putBad } from './codec.js';
import { connectionSchema, deviceSchema, quirksSchema } from './connection.js';
import { type PlannedRead, planRequests } from './plan.js';

const BUSY_MS = 500;

/** Modbus Application Protocol §7: what an exception says about the request, the device, or the way to it. */
function exceptionToOutcome(exception: ModbusException, request: PlannedRead, out: SampleWriter): ReadOutcome {
  switch (exception.code) {
    case 2:
    case 3:
      return { kind: 'refused', reason: exceptionName(exception.code) };
    case 1:
      putBad(request, bad('refused-address'), out);
      return { kind: 'answered' };
    case 5:
    case 6:
      throw new DriverFaultError({ kind: 'busy', retryAfterMs: BUSY_MS });
    case 10:
    case 11:
      throw new DriverFaultError({ kind: 'no-answer', timeoutMs: 0, sessionEnded: false });
    default:
      putBad(request, bad('device'), out);
      return { kind: 'answered' };
  }
}

async function read(
  client: ModbusClient,
  request: PlannedRead,
  out: SampleWriter,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  if (request.pauseMs > 0) await client.pauseSinceAnswer(request.pauseMs);
  let outcome: ReadOutcome = { kind: 'answered' };
  try {
    decodeAnswer(request, await client.read(request, signal), out);
  } catch (error) {
    if (!(error instanceof ModbusException)) throw error;
    outcome = exceptionToOutcome(error, request, out);
  }
  // Waited here, so that the next request of the host, which may be a write, need not wait after its gate.
  if (request.pauseMs > 0) await client.pause(request.pauseMs);
  return outcome;
}

/** Acknowledge and "target failed to respond" leave open what the device did; every other exception is a no. */
function exceptionToResult(exception: ModbusException): WriteResult {
  const answer = `Modbus exception ${exception.code} (${exceptionName(exception.code)})`;
  if (exception.code === 5 || exception.code === 11) return { outcome: 'unknown', reason: 'NO_ANSWER', answer };
  return { outcome: 'refused', answer };
}

function failureToResult(client: ModbusClient, error: unknown): WriteResult {
  if (error instanceof ModbusException) return exceptionToResult(error);
  const answer = error instanceof Error ? error.message : String(error);
  const sessionEnded = client.hasEnded;
  if (!client.hasSent) return { outcome: 'not-sent', answer, sessionEnded };
  const isLost = error instanceof DriverFaultError && error.fault.kind === 'connection-lost';
  return { outcome: 'unknown', reason: isLost ? 'LINK_LOST' : 'NO_ANSWER', answer, sessionEnded };
}

export const modbusDriver = defineDriver({
  id: 'modbus',
  version: '1.0.0',
  title: 'Modbus',
  summary: 'Reads and writes coils and registers of devices that speak Modbus TCP, or serial Modbus through a gateway.',
  stability: 'beta',
  connection: connectionSchema,
  device: deviceSchema,
  quirks: quirksSchema,
  address: modbusAddress,
  connect: (context, signal) => ModbusClient.connect(context, signal),
  close: (client) => client.close(),
  poll: { plan: planRequests, read },
  async write(client, command, signal): Promise<WriteResult> {
    const order = encodeWrite(command);
    if (order === null) return { outcome: 'not-sent', answer: 'the value is none of this tag' };
    let result: WriteResult = { outcome: 'done' };
    try {
      await client.write(order, signal);
    } catch (error) {
      result = failureToResult(client, error);
    }
    if (command.quirks.pauseBetween > 0) await client.pause(command.quirks.pauseBetween);
    return result;
  },
});
