import { createContext, useContext } from 'react';

export type Language = 'en' | 'zh';
export type TextParams = Readonly<Record<string, string | number>>;
/** The text of a key in the language of the reader. */
export type Translate = (key: string, params?: TextParams) => string;

/** How things are shown to this reader. */
export interface Display {
  readonly language: Language;
  /** IANA name of the zone that times are shown in. */
  readonly zone: string;
  readonly t: Translate;
}

const DisplayContext = createContext<Display | null>(null);

export const DisplayProvider = DisplayContext.Provider;

export function useDisplay(): Display {
  const display = useContext(DisplayContext);
  if (display === null) throw new TypeError('useDisplay outside of a DisplayProvider');
  return display;
}
