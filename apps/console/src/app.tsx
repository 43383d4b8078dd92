import { consoleTheme, createTexts, type Display, DisplayProvider, type Language, LIGHT } from '@busbar/ui';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { ConfigProvider } from 'antd';
import chinese from 'antd/locale/zh_CN';
import { useEffect, useMemo, useState } from 'react';
import { RouterProvider } from 'react-router-dom';
import { ApiFault } from './api/call-api.js';
import { LanguageContext, storedLanguage } from './language.js';
import { createRoutes } from './routes.js';
import en from './texts/en.json' with { type: 'json' };
import zh from './texts/zh.json' with { type: 'json' };
import { ZoneContext } from './zone.js';

const texts = createTexts({ en, zh });
const router = createRoutes();
const theme = consoleTheme(LIGHT, matchMedia('(prefers-reduced-motion: reduce)').matches);

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      if (error instanceof ApiFault && error.status === 401) queries.setQueryData(['session'], null);
    },
  }),
  defaultOptions: {
    queries: {
      retry: (failures, error) => error instanceof ApiFault && error.status === 0 && failures < 1,
      refetchOnWindowFocus: false,
    },
  },
});

export function App() {
  const [language, setLanguage] = useState<Language>(storedLanguage);
  const [zone, setZone] = useState('UTC');
  const display = useMemo<Display>(() => ({ language, zone, t: texts.of(language) }), [language, zone]);
  const choice = useMemo(() => ({ language, setLanguage }), [language]);
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    localStorage.setItem('busbar.language', language);
  }, [language]);
  return (
    <QueryClientProvider client={queries}>
      <ConfigProvider
        theme={theme}
        {...(language === 'zh' ? { locale: chinese } : {})}
        wave={{ disabled: true }}
        button={{ autoInsertSpace: false }}
      >
        <LanguageContext value={choice}>
          <ZoneContext value={setZone}>
            <DisplayProvider value={display}>
              <RouterProvider router={router} />
            </DisplayProvider>
          </ZoneContext>
        </LanguageContext>
      </ConfigProvider>
    </QueryClientProvider>
  );
}
