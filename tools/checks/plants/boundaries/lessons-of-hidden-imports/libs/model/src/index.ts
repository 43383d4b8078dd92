import { z } from 'zod';
import { createHash } from 'node:crypto';
export const x = [z, createHash];
