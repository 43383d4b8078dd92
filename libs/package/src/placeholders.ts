/** Values of an `each` row by name, or the parameters of a device. */
export type Parameters = ReadonlyMap<string, ParameterValue>;

export interface ParameterValue {
  readonly text: string;
  /** Absent where it cannot be meant as a number. */
  readonly number?: number;
}

export type PlaceholderProblem =
  | { readonly kind: 'unknown'; readonly name: string }
  | { readonly kind: 'syntax'; readonly rest: string }
  | { readonly kind: 'value'; readonly name: string; readonly value: string };

export type Filled =
  | { readonly text: string; readonly whole?: ParameterValue }
  | { readonly problem: PlaceholderProblem };

export interface FillOptions {
  /** Leaves `$name` of unknown names, and `$$`, for a later filling. */
  readonly leavesUnknown?: boolean;
}

const PLACEHOLDER = /\$(\$|\(([^()]*(?:\([^()]*\)[^()]*)*)\)|[A-Za-z_][A-Za-z0-9_]*)/g;

/** `$.`, `$[` and a lone `$` are left alone; `$$` is a dollar; `$(..)` calculates. */
export function fillPlaceholders(text: string, parameters: Parameters, options: FillOptions = {}): Filled {
  if (!text.includes('$')) return { text };
  let problem: PlaceholderProblem | undefined;
  let whole: ParameterValue | undefined;
  const filled = text.replace(PLACEHOLDER, (placeholder, name: string, expression: string | undefined) => {
    if (name === '$') return options.leavesUnknown ? '$$' : '$';
    let value: ParameterValue | undefined;
    if (expression === undefined) {
      value = parameters.get(name);
      if (!value) {
        if (!options.leavesUnknown) problem ??= { kind: 'unknown', name };
        return placeholder;
      }
    } else {
      const result = calculate(expression, parameters);
      if (typeof result !== 'number') {
        if (options.leavesUnknown && result.kind === 'unknown') return placeholder;
        problem ??= result;
        return placeholder;
      }
      value = { text: String(result), number: result };
    }
    if (placeholder === text) whole = value;
    return value.text;
  });
  if (problem) return { problem };
  return whole ? { text: filled, whole } : { text: filled };
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|([-+*/%()]))/y;

/** Sums and products of numbers and parameters: `n+100`, `n*2+1`, `(n-1)%4`. */
export function calculate(expression: string, parameters: Parameters): number | PlaceholderProblem {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  let end = 0;
  for (let match = TOKEN.exec(expression); match; match = TOKEN.exec(expression)) {
    tokens.push(match[0].trim());
    end = TOKEN.lastIndex;
  }
  const rest = expression.slice(end).trim();
  if (rest !== '' || tokens.length === 0) return { kind: 'syntax', rest: rest || expression };

  let at = 0;
  let problem: PlaceholderProblem | undefined;
  const fail = (found: PlaceholderProblem): number => {
    problem ??= found;
    return 0;
  };
  const atom = (): number => {
    const token = tokens[at++];
    if (token === undefined) return fail({ kind: 'syntax', rest: 'the end' });
    if (token === '-') return -atom();
    if (token === '(') {
      const value = sum();
      return tokens[at++] === ')' ? value : fail({ kind: 'syntax', rest: tokens.slice(at - 1).join('') || 'the end' });
    }
    if (/^\d/.test(token)) return Number(token);
    if (!/^[A-Za-z_]/.test(token)) return fail({ kind: 'syntax', rest: tokens.slice(at - 1).join('') });
    const value = parameters.get(token);
    if (!value) return fail({ kind: 'unknown', name: token });
    return value.number ?? fail({ kind: 'value', name: token, value: value.text });
  };
  const product = (): number => {
    let value = atom();
    for (let sign = tokens[at]; !problem && (sign === '*' || sign === '/' || sign === '%'); sign = tokens[at]) {
      at += 1;
      const right = atom();
      value = sign === '*' ? value * right : sign === '/' ? value / right : value % right;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    for (let sign = tokens[at]; !problem && (sign === '+' || sign === '-'); sign = tokens[at]) {
      at += 1;
      value = sign === '+' ? value + product() : value - product();
    }
    return value;
  };
  const value = sum();
  if (problem) return problem;
  if (at < tokens.length) return { kind: 'syntax', rest: tokens.slice(at).join('') };
  return Number.isFinite(value) ? value : { kind: 'value', name: expression, value: String(value) };
}

/** A cell as a parameter: a number too where its text is exactly that number's. */
export function cellParameter(text: string): ParameterValue {
  const number = Number(text);
  return text !== '' && String(number) === text && Number.isFinite(number) ? { text, number } : { text };
}

export function scalarParameter(value: string | number | boolean): ParameterValue {
  return typeof value === 'number' ? { text: String(value), number: value } : { text: String(value) };
}
