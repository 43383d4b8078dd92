import kafkajs from 'kafkajs';
import { readFileSync } from 'node:fs';
export const y = [kafkajs, readFileSync];
