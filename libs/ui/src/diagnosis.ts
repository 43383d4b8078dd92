import { ERRORS, type ErrorCode, type ErrorParams, errorFix, errorSentence } from '@busbar/errors';
import type { Display } from './display.js';
import zh from './texts/errors.zh.json' with { type: 'json' };

export interface DiagnosisLike {
  readonly code: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface DiagnosisWords {
  readonly sentence: string;
  readonly fix: string;
}

const CHINESE: Readonly<Record<string, DiagnosisWords>> = zh;

/** Sentence and fix of a diagnosis in the reader's language; English where that has none, the bare code if unknown. */
export function diagnosisWords(diagnosis: DiagnosisLike, display: Display): DiagnosisWords {
  const { code, params } = diagnosis;
  const chinese = CHINESE[code];
  if (display.language === 'zh' && chinese !== undefined) {
    return { sentence: fill(chinese.sentence, params), fix: fill(chinese.fix, params) };
  }
  if (!isCode(code)) return { sentence: code, fix: '' };
  const known = params as ErrorParams;
  return { sentence: errorSentence(code, known), fix: errorFix(code, known) };
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

function fill(text: string, params: Readonly<Record<string, unknown>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}
