// Promises that are tried one after the other, each counted; a later one that needs an earlier is left out with it.
export class Promises {
  total = { passed: 0, failed: 0, skipped: 0 };

  /** True if it held. `needs` false: it is not tried. */
  async try(title, test, needs = true) {
    if (!needs) {
      this.total.skipped++;
      process.stdout.write(`  left out: ${title}\n`);
      return false;
    }
    const started = Date.now();
    const seconds = () => ((Date.now() - started) / 1000).toFixed(1);
    try {
      const figure = await test();
      this.total.passed++;
      process.stdout.write(`  holds: ${title} (${seconds()} s)${typeof figure === 'string' ? `: ${figure}` : ''}\n`);
      return true;
    } catch (error) {
      this.total.failed++;
      process.stdout.write(
        `  BROKEN: ${title} (${seconds()} s)\n    ${String(error.message).replaceAll('\n', '\n    ')}\n`,
      );
      return false;
    }
  }
}
