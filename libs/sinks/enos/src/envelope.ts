/** A reply of EnOS as far as we read it. `code` may arrive as text. */
export interface Reply {
  readonly id: string;
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
}

export interface CommandEnvelope {
  /** Echoed as it came. */
  readonly id: string | number;
  readonly params: unknown;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function parseObject(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(decoder.decode(payload));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // Octets from outside: what is no JSON object is no message for us.
  }
  return undefined;
}

/** Some peers send `data` as a text that holds JSON. */
function parseData(data: unknown): unknown {
  if (typeof data !== 'string' || data === '') return data;
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

export function parseReply(payload: Uint8Array): Reply | undefined {
  const envelope = parseObject(payload);
  if (!envelope || (typeof envelope.id !== 'string' && typeof envelope.id !== 'number')) return undefined;
  const code = typeof envelope.code === 'string' ? Number(envelope.code) : envelope.code;
  if (typeof code !== 'number' || !Number.isInteger(code)) return undefined;
  const message = typeof envelope.message === 'string' ? envelope.message : '';
  return { id: String(envelope.id), code, message, data: parseData(envelope.data) };
}

export function parseCommand(payload: Uint8Array): CommandEnvelope | undefined {
  const envelope = parseObject(payload);
  const id = envelope?.id;
  if ((typeof id !== 'string' || id === '') && typeof id !== 'number') return undefined;
  return { id, params: envelope?.params };
}
