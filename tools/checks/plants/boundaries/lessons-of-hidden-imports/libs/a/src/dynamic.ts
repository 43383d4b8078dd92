export const f = (n: string) => import(n);
