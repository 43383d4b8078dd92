import { of } from 'rxjs';
export const o = of;
