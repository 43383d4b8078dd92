import {
  DriverFaultError,
  defineDriver,
  type ReadOutcome,
  type SampleWriter,
  type WriteResult,
} from '@busbar/driver-sdk';
import { iec104Address, parseMode } from './address.js';
import { Iec104Client } from './client.js';
import { encodeCommand, type Iec104Command } from './command.js';
import { connectionSchema, deviceSchema, quirksSchema } from './connection.js';
import { lostFault } from './line.js';
import { type PlannedRound, planRounds } from './plan.js';
import { RoundReading } from './round-reading.js';
import type { Iec104Session, Outcome } from './session.js';
import { Subscription } from './subscription.js';

/** Runs while `signal` is quiet; its abort ends the session, and so everything that waits for it. */
async function guarded<T>(session: Iec104Session, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  const giveUp = (): void => session.end(lostFault(session.target, 'it was given up', 'closed'));
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await run();
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

async function read(
  session: Iec104Session,
  request: PlannedRound,
  out: SampleWriter,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const reading = new RoundReading(request, () => session.context.clock.wallMs());
  const outcome = await guarded(session, signal, async (): Promise<Outcome> => {
    if (session.ended) return { kind: 'lost' };
    session.listen(reading);
    try {
      return await session.round(request, () => reading.isComplete);
    } finally {
      session.unlisten(reading);
    }
  });
  if (session.ended) throw session.ended;
  if (outcome.kind === 'silent' || outcome.kind === 'lost') {
    const reason = outcome.kind === 'lost' ? 'the started link is gone' : `no end of the ${request.text}`;
    const timeoutMs = session.context.connection.timeout;
    throw new DriverFaultError({ kind: 'no-answer', timeoutMs, sessionEnded: false, reason });
  }
  // A refused interrogation cannot be split: the station gives none of its tags.
  reading.tell(out);
  return { kind: 'answered' };
}

async function write(session: Iec104Session, command: Iec104Command, signal: AbortSignal): Promise<WriteResult> {
  const { readOnly, connection, clock } = session.context;
  if (session.ended) return { outcome: 'not-sent', answer: session.ended.message, sessionEnded: true };
  if (readOnly) return { outcome: 'not-sent', answer: 'the connection is read-only' };
  const frame = { settings: session.settings, originator: connection.originator, nowMs: clock.wallMs() };
  if (!parseMode(command.writeMode)?.isSelect) return step(session, encodeCommand(command, false, frame), command);
  const selected = await step(session, encodeCommand(command, true, frame), command, true);
  if (selected.outcome !== 'done') {
    // A selection alone does nothing, so what became of it leaves nothing open.
    return selected.outcome === 'unknown' ? { ...selected, outcome: 'refused' } : selected;
  }
  if (signal.aborted) return { outcome: 'refused', answer: 'it was given up before it was executed' };
  const executed = await step(session, encodeCommand(command, false, { ...frame, nowMs: clock.wallMs() }), command);
  return executed.outcome === 'not-sent' ? { ...executed, outcome: 'refused' } : executed;
}

/** One command on the wire, until the station has said what became of it. Sends before it returns. */
async function step(
  session: Iec104Session,
  octets: ReturnType<typeof encodeCommand>,
  command: Iec104Command,
  isSelect = false,
): Promise<WriteResult> {
  if ('reason' in octets) return { outcome: 'not-sent', answer: octets.reason };
  const exchange = session.ask(octets);
  if (exchange === null) return { outcome: 'not-sent', answer: 'the link takes no more frames' };
  let isConfirmed = false;
  try {
    for (;;) {
      const answer = await exchange.next();
      switch (answer.kind) {
        case 'confirmed':
          if (isSelect || !command.quirks.termination) return { outcome: 'done' };
          isConfirmed = true;
          break;
        case 'terminated':
          return { outcome: 'done' };
        case 'refused':
          return { outcome: 'refused', answer: answer.reason };
        case 'lost': {
          const sessionEnded = session.ended !== null;
          const text = session.ended?.message ?? 'the started link is gone';
          return { outcome: 'unknown', reason: 'LINK_LOST', answer: text, sessionEnded };
        }
        default: {
          // A late confirmation must not meet the next command of the same kind.
          session.end(lostFault(session.target, 'a command was not answered in time', 'closed'));
          const text = isConfirmed ? 'confirmed, but not terminated in time' : 'not confirmed in time';
          return { outcome: 'unknown', reason: 'NO_ANSWER', answer: text, sessionEnded: true };
        }
      }
    }
  } finally {
    session.release(exchange);
  }
}

export const iec104Driver = defineDriver({
  id: 'iec104',
  version: '1.0.0',
  title: 'IEC 60870-5-104',
  summary: 'Takes values, events and totals of telecontrol stations, and gives them commands, over IEC 60870-5-104.',
  stability: 'beta',
  connection: connectionSchema,
  device: deviceSchema,
  quirks: quirksSchema,
  address: iec104Address,
  connect: (context, signal) => Iec104Client.connect(context, signal),
  close: (client) => client.close(),
  poll: {
    plan: ({ device, tags }) => planRounds({ device, tags }),
    read: (client, request, out, signal) => read(client.session, request, out, signal),
  },
  subscribe: ({ session }, { device, tags }, out, signal) =>
    new Subscription(session, { device, tags }, out).run(signal),
  write: (client, command, signal) => {
    const { session } = client;
    return guarded(session, signal, () => write(session, command, signal));
  },
});
