import { ERRORS, type ErrorCode, type ErrorParams, errorFix, errorSentence } from '@busbar/errors';

export interface DiagnosisLike {
  readonly code: string;
  readonly params: ErrorParams;
}

/** Code, sentence and fix; the bare code of a newer Busbar. */
export function diagnosisText({ code, params }: DiagnosisLike): string {
  if (!Object.hasOwn(ERRORS, code)) return code;
  return `${code}: ${errorSentence(code as ErrorCode, params)} ${errorFix(code as ErrorCode, params)}`;
}
