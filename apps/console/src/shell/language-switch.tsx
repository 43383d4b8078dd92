import { useDisplay } from '@busbar/ui';
import { useContext } from 'react';
import { LanguageContext } from '../language.js';

const LANGUAGES = [
  { language: 'en', name: 'English', short: 'EN' },
  { language: 'zh', name: '中文', short: '中文' },
] as const;

/** Each language by its own name, so that nobody is locked out by the wrong one. */
export function LanguageSwitch() {
  const { t } = useDisplay();
  const { language, setLanguage } = useContext(LanguageContext);
  return (
    <fieldset className="language-switch" aria-label={t('shell.language')}>
      {LANGUAGES.map((one) => (
        <button
          key={one.language}
          type="button"
          lang={one.language}
          aria-pressed={one.language === language}
          title={one.name}
          onClick={() => setLanguage(one.language)}
        >
          {one.short}
        </button>
      ))}
    </fieldset>
  );
}
