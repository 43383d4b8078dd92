import { sessionViewSchema } from '@busbar/api-schema';
import { createTexts, type Display } from '@busbar/ui';
import { afterEach, describe, expect, it, vi } from 'vitest';
import en from '../texts/en.json' with { type: 'json' };
import zh from '../texts/zh.json' with { type: 'json' };
import { ApiFault, callApi } from './call-api.js';
import { faultWords } from './fault-words.js';

afterEach(() => vi.unstubAllGlobals());
const serve = (status: number, body: string) => vi.stubGlobal('fetch', async () => new Response(body, { status }));
const fault = async () => {
  try {
    await callApi(sessionViewSchema, '/session');
  } catch (error) {
    if (error instanceof ApiFault) return error;
  }
  throw new Error('no fault');
};
const texts = createTexts({ en, zh });
const chinese: Display = { language: 'zh', zone: 'UTC', t: texts.of('zh') };

describe('callApi', () => {
  it('gives the answer, checked', async () => {
    serve(200, '{"who":"a","role":"admin","until":5}');
    expect(await callApi(sessionViewSchema, '/session')).toEqual({ who: 'a', role: 'admin', until: 5 });
  });

  it('keeps code and parameters of a refusal, to be worded in any language', async () => {
    serve(
      404,
      '{"code":"NOT_FOUND","params":{"kind":"asset","id":"x"},"sentence":"There is no asset x.","fix":"Check the id."}',
    );
    const error = await fault();
    expect([error.status, error.code, error.message]).toEqual([404, 'NOT_FOUND', 'There is no asset x.']);
    expect(faultWords(error, chinese).sentence).toBe('没有 asset x。');
  });

  it('tells no answer at all from an answer that it does not understand', async () => {
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('failed')));
    expect((await fault()).code).toBe('NO_LINK');
    serve(502, '<html>');
    expect((await fault()).code).toBe('ANSWER_UNKNOWN');
    serve(200, '{"who":5}');
    expect((await fault()).code).toBe('ANSWER_UNKNOWN');
    expect(faultWords(await fault(), chinese).sentence).toBe('无法理解 Busbar 的应答（HTTP 200）。');
  });
});
