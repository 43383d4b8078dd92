interface Field {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly words: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
/** The five fields of crontab(5), in their order; Sunday is 0 and 7. */
const FIELDS: readonly Field[] = [
  { name: 'minute', low: 0, high: 59, words: [] },
  { name: 'hour', low: 0, high: 23, words: [] },
  { name: 'day of month', low: 1, high: 31, words: [] },
  { name: 'month', low: 1, high: 12, words: MONTHS },
  { name: 'day of week', low: 0, high: 7, words: DAYS },
];
/** In a leap year: a start on 29 February comes. */
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function numberOf(text: string, { low, words }: Field): number | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const at = words.indexOf(text.toUpperCase());
  return at < 0 ? undefined : at + low;
}

/** What is wrong with one item of the comma list of a field, or the numbers that it stands for. */
function itemOf(item: string, field: Field): string | readonly number[] {
  const { name, low, high } = field;
  const [span = '', step, ...rest] = item.split('/');
  const bounds = span === '*' ? [String(low), String(high)] : span.split('-');
  if (rest.length > 0 || bounds.length > 2 || (step !== undefined && !/^\d{1,2}$/.test(step)))
    return `"${item}" is no ${name}; write 5, 1-5, */15 or lists of those`;
  const numbers = bounds.map((text) => numberOf(text, field));
  const [from, to = from] = numbers;
  if (from === undefined || to === undefined || numbers.includes(undefined)) {
    const words = field.words.length > 0 ? ` or ${field.words[0]} to ${field.words.at(-1)}` : '';
    return `"${span}" is no ${name}; it is ${low} to ${high}${words}`;
  }
  if (from < low || to > high || from > high) return `"${span}" is no ${name}; it is ${low} to ${high}`;
  if (from > to) return `"${span}" runs backwards; write two items, such as ${from}-${high},${low}-${to}`;
  if (step !== undefined && bounds.length === 1)
    return `"${item}" steps from one number; write ${from}-${high}/${step}`;
  const by = step === undefined ? 1 : Number(step);
  if (by < 1) return `"${item}" steps by nothing`;
  if (by > high) return `"${item}" steps further than ${high}`;
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, at) => from + at * by);
}

/**
 * Why a text is no cron expression; undefined when it is one: five fields (minute, hour, day of month, month, day of week)
 * of numbers, names, ranges, steps and lists, and a day that comes. Neither seconds nor `@daily`, `L`, `W`, `#`, `?`.
 */
export function cronProblem(text: string): string | undefined {
  const written = text.trim().split(/\s+/);
  if (written.length !== FIELDS.length)
    return `it has ${text.trim() === '' ? 0 : written.length} fields; write minute, hour, day of month, month and day of week`;
  const sets: (readonly number[])[] = [];
  for (const [at, field] of FIELDS.entries()) {
    const numbers: number[] = [];
    for (const item of (written[at] as string).split(',')) {
      const read = itemOf(item, field);
      if (typeof read === 'string') return read;
      numbers.push(...read);
    }
    sets.push(numbers);
  }
  const [, , days = [], months = [], weekdays = []] = sets;
  // With both kinds of days named, either of them starts it (crontab(5)), and a weekday always comes.
  const isAnyWeekday = new Set(weekdays.map((day) => day % 7)).size === DAYS.length;
  const comes = !isAnyWeekday || months.some((month) => days.some((day) => day <= (MONTH_DAYS[month - 1] ?? 0)));
  return comes ? undefined : 'no month of it has such a day';
}
