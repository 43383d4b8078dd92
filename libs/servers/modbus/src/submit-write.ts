import type { ModbusArea } from '@busbar/address-plan';
import type { End } from '@busbar/events';
import {
  EXCEPTION,
  type MbapFrame,
  type MixedRequest,
  type ModbusRequest,
  type ReadRequest,
} from '@busbar/protocol-modbus';
import { isWithinLimits, modbusAnswer, type ServerDecision, type ServerOutcome } from '@busbar/server-sdk';
import type { ClientSession } from './client-session.js';
import type { RegisterBank } from './register-bank.js';
import { type WriteItem, type WriteRange, writeItems } from './write-items.js';

export type ModbusWrite = Exclude<ModbusRequest, ReadRequest> | MixedRequest;

interface Write {
  readonly session: ClientSession;
  readonly frame: MbapFrame;
  readonly request: ModbusWrite;
}

type Answer = (exception: number | null) => void;

function registerRange(address: number, value: number): WriteRange {
  return { address, quantity: 1, octets: Uint8Array.of(value >> 8, value & 0xff) };
}

/** What the request wants where; of a mask the register that it makes of the present one. */
function rangeOf(request: ModbusWrite, bank: RegisterBank, unit: number): WriteRange | { readonly exception: number } {
  const { address } = request;
  switch (request.fc) {
    case 5:
      return { address, quantity: 1, octets: Uint8Array.of(request.on ? 1 : 0) };
    case 6:
      return registerRange(address, request.value);
    case 22: {
      const run = bank.run(unit, 'holding', { address, quantity: 1 });
      if (!run) return { exception: EXCEPTION.illegalAddress };
      // Without a good feedback nobody knows the bits that shall stay.
      const present = bank.presentRegister(run, address);
      if (present === undefined) return { exception: EXCEPTION.deviceFailure };
      return registerRange(address, (present & request.andMask) | (request.orMask & ~request.andMask & 0xffff));
    }
    default:
      return { address, quantity: request.quantity, octets: request.octets };
  }
}

/**
 * Asks the arbiter, and answers once: with the end, or after the limit with what is known then; null for done.
 * @returns what ends the wait without an answer; the command goes on.
 */
export function submitWrite(write: Write, answer: Answer): () => void {
  const { session, frame, request } = write;
  const area: ModbusArea = request.fc === 5 || request.fc === 15 ? 'coil' : 'holding';
  const bank = session.parts.bank();
  const asked = rangeOf(request, bank, frame.unit);
  const range = 'exception' in asked ? asked : joined(write, bank, asked);
  if (range === 'more') return answered(answer, null);
  if ('exception' in range) return answered(answer, range.exception);
  const run = bank.run(frame.unit, area, range);
  const items = run ? writeItems(bank, run, range) : { exception: EXCEPTION.illegalAddress };
  return 'exception' in items ? answered(answer, items.exception) : submitItems(write, items, answer);
}

function answered(answer: Answer, exception: number | null): () => void {
  answer(exception);
  return () => undefined;
}

/** Of a value in several registers, where single writes are to be joined: all of it, or `more`. */
function joined({ session, frame, request }: Write, bank: RegisterBank, range: WriteRange): WriteRange | 'more' {
  const wide = session.wideWrite;
  if (!wide) return range;
  const run = request.fc === 6 ? bank.run(frame.unit, 'holding', range) : undefined;
  const found = run && bank.entryAt(run, range.address);
  if (found?.entry.role === 'control') {
    return wide.add(found.entry, range, session.parts.host.clock.monotonicMs()) ?? range;
  }
  wide.end();
  return range;
}

function submitItems({ session }: Write, items: readonly WriteItem[], answer: Answer): () => void {
  const { host, id, results } = session.parts;
  const { answerWithin, rangeException } = host.config;
  const block = results(session.client.name);
  const sequence = block.begin(items[0]?.entry.address ?? 0);
  const beyond = items.find(({ entry, value }) => !isWithinLimits(entry, value));
  if (beyond) {
    const end: End = { kind: 'refused', rule: 'RANGE', also: [], facts: [] };
    block.finish(sequence, end, beyond.entry.address);
    return answered(answer, modbusAnswer(end, rangeException));
  }
  let isAnswered = false;
  let decision: ServerDecision | undefined;
  const finish = (outcome: ServerOutcome) => {
    if (isAnswered) return;
    isAnswered = true;
    host.timers.clearTimeout(timer);
    answer(modbusAnswer(outcome, rangeException));
  };
  const timer = host.timers.setTimeout(
    () => finish(decision?.kind === 'refused' ? decision : { kind: 'pending' }),
    answerWithin,
  );
  const { decided, ended } = host.controls.submit({
    act: 'operate',
    client: session.client.name,
    link: id,
    items: items.map(({ slot, value }) => ({ slot, value })),
    isTest: false,
  });
  // A refusal is answered with its end, which names the item; the decision alone stands in at the limit.
  void decided.then((known) => {
    decision = known;
    if (known.kind === 'unanswered') finish(known);
  });
  void ended.then((end) => {
    block.finish(sequence, end, addressOf(end, items));
    finish(end);
  });
  return () => {
    isAnswered = true;
    host.timers.clearTimeout(timer);
  };
}

/** Of the item that the arbiter named, else of the first. */
function addressOf(end: End, items: readonly WriteItem[]): number {
  const named = end.kind === 'refused' ? end.facts.find(({ name }) => name === 'point')?.value : undefined;
  const item = items.find(({ entry }) => `${entry.asset}/${entry.point}` === named) ?? items[0];
  return item?.entry.address ?? 0;
}
