import i18next, { type i18n } from 'i18next';
import type { Language, Translate } from '../display.js';
import en from './en.json' with { type: 'json' };
import zh from './zh.json' with { type: 'json' };

export type TextTable = Readonly<Record<string, string>>;

/** Texts of a program beside those of this library, one table a language. */
export type ProgramTexts = Readonly<Record<Language, TextTable>>;

export const UI_TEXTS: ProgramTexts = { en, zh };

/** Both languages, loaded; keys are whole (`quality.good`), plurals by the rules of the language. */
export function createTexts(program: ProgramTexts): { readonly of: (language: Language) => Translate } {
  const texts: i18n = i18next.createInstance();
  const table = (language: Language) => ({ translation: { ...UI_TEXTS[language], ...program[language] } });
  texts.init({
    initAsync: false,
    resources: { en: table('en'), zh: table('zh') },
    lng: 'en',
    fallbackLng: 'en',
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false },
  });
  return {
    of: (language) => {
      const translate = texts.getFixedT(language);
      return (key, params) => translate(key, { ...params });
    },
  };
}
