import { createHash } from 'crypto';
export { createHash };
