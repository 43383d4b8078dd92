/** Nothing will come of waiting: `until` gives up at once. */
export class Hopeless extends Error {}

/** Asks again until the answer is given; the error says what was waited for and the last that was seen. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain: ${what}; last: ${last instanceof Error ? last.message : last}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
