let code: string | null = null;

interface Page {
  readonly location: { readonly pathname: string; readonly hash: string; readonly search: string };
  readonly history: { replaceState(data: unknown, unused: string, url: string): void };
}

/** Takes the one-time code out of `/setup#code` before anything else runs, so that no history or copied link keeps it. */
export function takeSetupCode(page: Page): void {
  const { pathname, hash } = page.location;
  if (pathname !== '/setup' || hash.length < 2) return;
  code = hash.slice(1);
  page.history.replaceState(null, '', pathname);
}

/** The code, once; null afterwards, or when there was none. */
export function spendSetupCode(): string | null {
  const taken = code;
  code = null;
  return taken;
}

export function hasSetupCode(): boolean {
  return code !== null;
}
