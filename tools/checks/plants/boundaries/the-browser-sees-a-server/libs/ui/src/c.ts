import { readFileSync } from 'node:fs';
export { readFileSync };
