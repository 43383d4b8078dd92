import { apiErrorSchema } from '@busbar/api-schema';

/** What the server said no with, or `NO_LINK` when it did not answer. Sentence and fix are in English. */
export class ApiFault extends Error {
  override readonly name = 'ApiFault';

  constructor(
    /** HTTP status; 0: no answer. */
    readonly status: number,
    readonly code: string,
    readonly params: Readonly<Record<string, unknown>>,
    readonly fix: string,
    sentence: string,
  ) {
    super(sentence);
  }
}

export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Statuses besides 2xx whose body is the answer itself. */
  readonly alsoAnswer?: (status: number) => boolean;
}

interface Schema<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

/** One call of /api/v1, its answer checked; rejects with {@link ApiFault}. Nothing is ever retried here. */
export async function callApi<T>(schema: Schema<T>, path: string, call: ApiCall = {}): Promise<T> {
  const response = await send(path, call);
  const body: unknown = response.status === 204 ? null : await response.json().catch(() => undefined);
  if (response.ok || call.alsoAnswer?.(response.status) === true) {
    const answer = schema.safeParse(body);
    if (answer.success) return answer.data;
  }
  throw toFault(response.status, body);
}

async function send(path: string, call: ApiCall): Promise<Response> {
  const init: RequestInit = { method: call.method ?? 'GET', credentials: 'same-origin', cache: 'no-store' };
  if (call.signal !== undefined) init.signal = call.signal;
  if (call.body !== undefined) {
    init.body = JSON.stringify(call.body);
    init.headers = { 'content-type': 'application/json' };
  }
  try {
    return await fetch(`/api/v1${path}`, init);
  } catch (error) {
    if (call.signal?.aborted === true) throw error;
    throw new ApiFault(
      0,
      'NO_LINK',
      {},
      'Check that Busbar runs and that this computer reaches it.',
      'Busbar does not answer.',
    );
  }
}

function toFault(status: number, body: unknown): ApiFault {
  const known = apiErrorSchema.safeParse(body);
  if (known.success) {
    const { code, params, sentence, fix } = known.data;
    return new ApiFault(status, code, params, fix, sentence);
  }
  const sentence = `The answer of Busbar is not understood (HTTP ${status}).`;
  return new ApiFault(
    status,
    'ANSWER_UNKNOWN',
    { status },
    'Load the page again; console and server may differ in version.',
    sentence,
  );
}
