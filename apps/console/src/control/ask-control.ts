import { type ControlAsk, type RequestView, requestViewSchema } from '@busbar/api-schema';
import { ApiFault, callApi } from '../api/call-api.js';

/** The asker's own id: the same id with the same content is the same request, however often it is sent. From 12 random octets. */
export function newRequestId(octets: Uint8Array): string {
  return `console-${[...octets].map((octet) => octet.toString(16).padStart(2, '0')).join('')}`;
}

/** Hands the request in and comes back at once; what becomes of it is followed live. A refusal is an answer. */
export function askControl(ask: ControlAsk): Promise<RequestView> {
  return callApi(requestViewSchema, '/control/requests?wait=0', {
    method: 'POST',
    body: ask,
    alsoAnswer: (status) => status >= 400,
  });
}

/** What is known of it; null: it never arrived. */
export async function findRequest(id: string): Promise<RequestView | null> {
  try {
    return await callApi(requestViewSchema, `/control/requests/${encodeURIComponent(id)}`);
  } catch (error) {
    if (error instanceof ApiFault && error.status === 404) return null;
    throw error;
  }
}
