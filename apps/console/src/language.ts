import type { Language } from '@busbar/ui';
import { createContext } from 'react';

export const LanguageContext = createContext<{
  readonly language: Language;
  readonly setLanguage: (to: Language) => void;
}>({
  language: 'en',
  setLanguage: () => undefined,
});

/** The reader's last choice, else what the browser asks for. */
export function storedLanguage(): Language {
  const stored = localStorage.getItem('busbar.language');
  if (stored === 'en' || stored === 'zh') return stored;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
