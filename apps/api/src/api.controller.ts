import { applyDecorators, Controller, createParamDecorator, type ExecutionContext, UseFilters } from '@nestjs/common';
import type { Caller } from './access.js';
import { ApiErrorFilter } from './api-error.js';

/** What the hook of {@link HttpFrontend} leaves on a request that it let through. */
export interface WithCaller {
  caller?: Caller;
}

/** A controller below /api/v1 whose errors are answers of the catalog. */
export function ApiController(path: string): ClassDecorator {
  return applyDecorators(Controller(`api/v1/${path}`), UseFilters(ApiErrorFilter));
}

/** The caller that was identified before any route ran. */
export const CallerOf = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<WithCaller>();
  return caller as Caller;
});
