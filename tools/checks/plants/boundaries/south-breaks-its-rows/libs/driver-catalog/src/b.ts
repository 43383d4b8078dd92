import { pino } from 'pino';
export { pino };
