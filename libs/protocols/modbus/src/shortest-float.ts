const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Powers of ten that a Float64 holds exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** By biased exponent of a Float32: decimal digits before the point of the smallest value with it, and where one more begins. */
const DIGITS = new Int8Array(256);
const NEXT_DIGIT = new Float64Array(256);
for (let exponent = 1; exponent < 255; exponent++) {
  const digits = Math.floor(Math.log10(2 ** (exponent - 127))) + 1;
  DIGITS[exponent] = digits;
  NEXT_DIGIT[exponent] = Number(`1e${digits}`);
}

function slowly(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/**
 * The decimal with the fewest digits that reads as this Float32 again, as a Float64: 49.8 where the register holds
 * 49.79999923706055. NaN and the infinities come back as they are.
 * @param value a number that a Float32 holds exactly.
 */
export function shortestFloat32(value: number): number {
  const hundredths = Math.round(value * 100) / 100;
  if (Math.fround(hundredths) === value) {
    // Below 2^17 Float32 stand closer than hundredths, below 2^24 closer than integers: nothing shorter exists.
    const size = Math.abs(hundredths);
    if (size < 131072 || (size < 16777216 && Number.isInteger(hundredths))) return hundredths;
  }
  float[0] = value;
  const exponent = ((bits[0] as number) >>> 23) & 0xff;
  if (exponent === 255) return value;
  if (exponent === 0) return slowly(value);
  let digits = DIGITS[exponent] as number;
  if (Math.abs(value) >= (NEXT_DIGIT[exponent] as number)) digits++;
  // Dividing or multiplying two exact Float64 rounds once, so the result is the very number that the decimal text gives.
  if (digits > 22 || digits < -13) return slowly(value);
  for (let significant = 6; significant <= 9; significant++) {
    const decimals = significant - digits;
    const short =
      decimals >= 0
        ? Math.round(value * (POWERS[decimals] as number)) / (POWERS[decimals] as number)
        : Math.round(value / (POWERS[-decimals] as number)) * (POWERS[-decimals] as number);
    if (Math.fround(short) === value) return short;
  }
  return slowly(value);
}
