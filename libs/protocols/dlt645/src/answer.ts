import { ADDRESS_OCTETS, addressText, BROADCAST_ADDRESS, isAddressMatch } from './address.js';
import { hexHighFirst } from './bcd.js';
import { CONTROL_BIT } from './control-codes.js';
import { errorReasons } from './error-word.js';
import type { MeterFrame } from './frame.js';
import type { MeterRequest } from './requests.js';

/** Why a frame is no answer to the request. */
export type ForeignReason = 'request' | 'address' | 'function' | 'identifier' | 'sequence' | 'length' | 'broadcast';

export type Answer =
  /** Our own request, as some serial adapters give it back. */
  | { readonly kind: 'echo' }
  /** Not for this request: wait on. */
  | { readonly kind: 'foreign'; readonly reason: ForeignReason }
  | {
      readonly kind: 'data';
      /** Of the meter that answered, 12 digits. */
      readonly address: string;
      /** Without identifier and number. */
      readonly data: Uint8Array;
      /** More frames follow. */
      readonly hasMore: boolean;
    }
  | {
      readonly kind: 'error';
      readonly address: string;
      /** The error word, 0 to 255. */
      readonly word: number;
      readonly reasons: readonly string[];
    };

const ECHO: Answer = { kind: 'echo' };

/** What a frame is to the request that waits. Nothing but address, function, identifier and number make it the answer. */
export function judgeAnswer(request: MeterRequest, frame: MeterFrame): Answer {
  const { control, address } = frame;
  if ((control & CONTROL_BIT.reply) === 0) return isSameFrame(request.frame, frame) ? ECHO : foreign('request');
  if (isSilent(request)) return foreign('broadcast');
  if (!isAddressMatch(request.frame.address, address)) return foreign('address');
  if ((control & CONTROL_BIT.function) !== request.frame.control) return foreign('function');
  if ((control & CONTROL_BIT.error) !== 0) {
    const [word] = frame.data;
    if (word === undefined || frame.data.length !== 1 || (control & CONTROL_BIT.more) !== 0) return foreign('length');
    return { kind: 'error', address, word, reasons: errorReasons(request.edition, word) };
  }
  return judgeData(request, frame);
}

/** True if no meter answers: a broadcast. */
export function isSilent(request: MeterRequest): boolean {
  return request.function === 'set-clock' || request.frame.address === BROADCAST_ADDRESS;
}

function judgeData(request: MeterRequest, { address, control, data }: MeterFrame): Answer {
  const hasMore = (control & CONTROL_BIT.more) !== 0;
  const { identifier, sequence } = request;
  if (identifier === null) {
    if (hasMore) return foreign('function');
    const needed = request.function === 'read-address' ? ADDRESS_OCTETS : 0;
    if (data.length !== needed) return foreign('length');
    // §7.4: the meter repeats its address as data; where the two differ, neither is to be believed.
    if (needed > 0 && addressText(data) !== address) return foreign('address');
    return { kind: 'data', address, data, hasMore };
  }
  const start = identifier.length / 2;
  const end = data.length - (sequence === null ? 0 : 1);
  if (end < start) return foreign('length');
  if (hexHighFirst(data.subarray(0, start)) !== identifier) return foreign('identifier');
  if (sequence !== null && data[end] !== sequence) return foreign('sequence');
  return { kind: 'data', address, data: data.slice(start, end), hasMore };
}

function isSameFrame(sent: MeterFrame, frame: MeterFrame): boolean {
  return (
    sent.address === frame.address &&
    sent.control === frame.control &&
    sent.data.length === frame.data.length &&
    sent.data.every((octet, at) => octet === frame.data[at])
  );
}

function foreign(reason: ForeignReason): Answer {
  return { kind: 'foreign', reason };
}
