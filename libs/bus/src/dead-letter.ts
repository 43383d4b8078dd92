import type { Diagnosis, ErrorParams } from '@busbar/errors';
import { type DeadLetter, encodeJson } from '@busbar/events';
import type { InRecord, OutRecord } from './port.js';

const MAX_VALUE_BYTES = 64 * 1024;

export interface DeadLetterPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly group: string;
  readonly key: string;
  /** Absent where nobody can say what it was. */
  readonly value?: Uint8Array | null;
}

function definedParams(params: ErrorParams): DeadLetter['diagnosis']['params'] {
  const defined: DeadLetter['diagnosis']['params'] = {};
  for (const [name, value] of Object.entries(params)) defined[name] = value ?? null;
  return defined;
}

export function deadLetter(place: DeadLetterPlace, diagnosis: Diagnosis, at: number): OutRecord {
  const letter: DeadLetter = {
    topic: place.topic,
    partition: place.partition,
    offset: place.offset,
    group: place.group,
    key: place.key,
    diagnosis: { code: diagnosis.code, params: definedParams(diagnosis.params) },
    at,
  };
  const { value } = place;
  if (value && value.byteLength <= MAX_VALUE_BYTES) letter.value = Buffer.from(value).toString('base64');
  return { topic: 'deadletters.recorded.v1', key: place.topic, value: encodeJson('deadletters.recorded.v1', letter) };
}

/** `refusal`: by which group and why. */
export function refusalLetter(
  record: InRecord,
  refusal: { readonly group: string; readonly diagnosis: Diagnosis },
  at: number,
): OutRecord {
  const { topic, partition, offset, key, value } = record;
  const { group, diagnosis } = refusal;
  return deadLetter({ topic, partition, offset, group, key, value }, diagnosis, at);
}
