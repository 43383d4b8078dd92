import type { ApiError } from '@busbar/api-schema';
import { BusbarError, type ErrorCode, errorFix, errorSentence, isBusbarError } from '@busbar/errors';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { z } from 'zod';

/** What a code of the catalog is in HTTP; anything else is our fault. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  REQUEST_INVALID: 400,
  CONTROL_REQUEST_INVALID: 400,
  UNAUTHORIZED: 401,
  SETUP_CODE_INVALID: 401,
  ORIGIN_REFUSED: 403,
  NOT_FOUND: 404,
  CONTROL_UNKNOWN_REQUEST: 404,
  GENERATION_STALE: 409,
  CONTROL_NO_BUS: 503,
  BUS_FULL: 503,
  BUS_UNREACHABLE: 503,
  BUS_CLOSED: 503,
  STORE_UNREACHABLE: 503,
};

export function statusOf(error: BusbarError): number {
  return STATUS[error.code] ?? 500;
}

export function bodyOf({ code, params }: BusbarError): ApiError {
  return { code, params, sentence: errorSentence(code, params), fix: errorFix(code, params) };
}

interface Reply {
  code(status: number): Reply;
  send(body: ApiError): unknown;
}

/** Every error of a route is an answer of the catalog. */
@Catch()
export class ApiErrorFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const known = toBusbarError(error);
    host.switchToHttp().getResponse<Reply>().code(statusOf(known)).send(bodyOf(known));
  }
}

function toBusbarError(error: unknown): BusbarError {
  if (isBusbarError(error)) return error;
  if (error instanceof HttpException && error.getStatus() < 500) {
    return new BusbarError('REQUEST_INVALID', { reason: error.message }, { cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new BusbarError('INTERNAL', { reason }, { cause: error });
}

/** REQUEST_INVALID (or the code given) names the first field that is wrong. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  code: 'REQUEST_INVALID' | 'CONTROL_REQUEST_INVALID' = 'REQUEST_INVALID',
): z.infer<Schema> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  const reason = `${field === '' ? 'the body' : field}: ${issue?.message ?? 'wrong shape'}`;
  throw new BusbarError(code, { reason });
}
