import { type DriverFault, DriverFaultError } from '@busbar/driver-sdk';
import type { ErrorCode, ErrorParams } from '@busbar/errors';
import type { DiagnosisRecord } from '@busbar/events';

export function diagnosis(code: ErrorCode, params: ErrorParams = {}): DiagnosisRecord {
  const given: DiagnosisRecord['params'] = {};
  for (const [name, value] of Object.entries(params)) given[name] = value ?? null;
  return { code, params: given };
}

/** A driver's fault in the words of the catalog. */
export function faultDiagnosis(fault: DriverFault, connection: string): DiagnosisRecord {
  switch (fault.kind) {
    case 'connection-lost': {
      const target = fault.target ?? connection;
      if (fault.how === 'refused') return diagnosis('CONNECTION_REFUSED', { target });
      if (fault.how === 'silent') return diagnosis('CONNECTION_TIMEOUT', { target, timeoutMs: null });
      return diagnosis('CONNECTION_LOST', { target, reason: fault.reason });
    }
    case 'no-answer':
      return diagnosis('CONNECTION_TIMEOUT', { target: connection, timeoutMs: fault.timeoutMs });
    case 'busy':
      return diagnosis('CONNECTION_LOST', { target: connection, reason: 'busy' });
    case 'access-denied':
      return diagnosis('CONNECTION_DENIED', { target: connection });
    case 'invalid-config':
      return diagnosis('CONNECTION_CONFIG', { field: fault.field, reason: fault.reason });
  }
}

/** The fault in what a driver threw; null: the driver failed in a way it should not. */
export function faultOf(error: unknown): DriverFault | null {
  return error instanceof DriverFaultError ? error.fault : null;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
