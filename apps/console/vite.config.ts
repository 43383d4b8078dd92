import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** The page asks no other host for anything; the browser enforces it. Only in the build: the dev server injects scripts. */
const POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self' ws: wss:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ');

const contentPolicy: Plugin = {
  name: 'content-policy',
  apply: 'build',
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY }, injectTo: 'head-prepend' },
  ],
};

const api = { target: 'http://127.0.0.1:8080', changeOrigin: false };

export default defineConfig({
  base: '/',
  plugins: [react(), contentPolicy],
  build: { outDir: 'dist/app', emptyOutDir: true, target: 'es2023', chunkSizeWarningLimit: 600 },
  server: { proxy: { '/api/v1/live': { ...api, ws: true }, '/api': api, '/health': api } },
  test: { include: ['src/**/*.spec.ts', 'src/**/*.spec.tsx'] },
});
