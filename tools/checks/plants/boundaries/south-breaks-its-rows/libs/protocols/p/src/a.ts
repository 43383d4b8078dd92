import { z } from 'zod';
export const q = z;
