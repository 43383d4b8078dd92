/** An integer n with 1 / n being `factor`, if there is one: dividing by it is correctly rounded, multiplying is not. */
function reciprocal(factor: number): number {
  const n = Math.round(1 / factor);
  return Math.abs(n) > 1 && 1 / n === factor ? n : 0;
}

/** Takes the rounding error of a few units in the last place off a short decimal: 0.30000000000000004 is 0.3. */
function clean(y: number, magnitude: number): number {
  const size = Math.abs(y);
  const grid = size < 9e6 ? 1e9 : size < 9e9 ? 1e6 : size < 9e12 ? 1e3 : 1;
  const short = Math.round(y * grid) / grid;
  return Math.abs(short - y) <= magnitude * 4.5e-16 ? short : y;
}

/** point = factor * tag + shift, in clean decimals, and backwards. */
export class Linear {
  readonly factor: number;
  readonly shift: number;
  readonly #divisor: number;

  /** @param factor not 0. */
  constructor(factor: number, shift: number) {
    this.factor = factor;
    this.shift = shift;
    this.#divisor = reciprocal(factor);
  }

  get isIdentity(): boolean {
    return this.factor === 1 && this.shift === 0;
  }

  toPoint(x: number): number {
    if (this.isIdentity) return x;
    const product = this.#divisor === 0 ? x * this.factor : x / this.#divisor;
    return clean(product + this.shift, Math.abs(product) + Math.abs(this.shift));
  }

  toTag(y: number): number {
    if (this.isIdentity) return y;
    const rest = y - this.shift;
    const magnitude = Math.abs(y) + Math.abs(this.shift);
    return this.#divisor === 0
      ? clean(rest / this.factor, magnitude / Math.abs(this.factor))
      : clean(rest * this.#divisor, magnitude * Math.abs(this.#divisor));
  }

  /** Tag units of a distance in point units. */
  toTagDistance(distance: number): number {
    return distance / Math.abs(this.factor);
  }
}
