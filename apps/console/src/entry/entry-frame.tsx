import './entry.css';
import { useDisplay } from '@busbar/ui';
import type { ReactNode } from 'react';
import { Wordmark } from '../shell/icons.js';
import { LanguageSwitch } from '../shell/language-switch.js';

/** The page around signing in: nothing of the site is shown before. */
export function EntryFrame({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const { t } = useDisplay();
  return (
    <div className="entry">
      <main className="entry-card">
        <header>
          <Wordmark />
          <LanguageSwitch />
        </header>
        <h1>{title}</h1>
        {children}
        <p className="entry-foot">{t('entry.foot')}</p>
      </main>
    </div>
  );
}
