import { createRequire } from 'node:module';
export const r = createRequire(import.meta.url);
