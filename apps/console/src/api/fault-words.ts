import { ERRORS } from '@busbar/errors';
import { type DiagnosisWords, type Display, diagnosisWords } from '@busbar/ui';
import { ApiFault } from './call-api.js';

/** What went wrong and what to do, in the language of the reader as far as it has words for it. */
export function faultWords(error: unknown, display: Display): DiagnosisWords {
  if (!(error instanceof ApiFault)) {
    return { sentence: display.t('fault.page.sentence'), fix: display.t('fault.page.fix') };
  }
  if (error.code === 'NO_LINK' || error.code === 'ANSWER_UNKNOWN') {
    const status = String(error.status);
    return {
      sentence: display.t(`fault.${error.code}.sentence`, { status }),
      fix: display.t(`fault.${error.code}.fix`),
    };
  }
  if (!Object.hasOwn(ERRORS, error.code)) return { sentence: error.message, fix: error.fix };
  return diagnosisWords(error, display);
}

/** For the folded part of a notice: code and status. */
export function faultDetails(error: unknown): string {
  if (error instanceof ApiFault) return `${error.code} HTTP ${error.status}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
