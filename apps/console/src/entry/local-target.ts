/** Where to go after signing in: a path of this console, never another host. */
export function localTarget(next: string | null): string {
  if (next === null || !/^\/(?![/\\])/.test(next)) return '/points';
  return next;
}
