import { errorFix, errorSentence } from '@busbar/errors';
import type { Finding } from './result.js';

/** One line: `file:line:column  CODE  sentence fix`, with the number of instances if there are several. */
export function formatFinding({ file, line, column, code, params, severity, instances }: Finding): string {
  const times = instances > 1 ? ` (${instances} times)` : '';
  const mark = severity === 'warning' ? 'warning ' : '';
  return `${file}:${line}:${column}  ${mark}${code}  ${errorSentence(code, params)}${times} ${errorFix(code, params)}`;
}
