/** Parts of a moment as clocks on the site's wall show it. */
export interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const formats = new Map<string, Intl.DateTimeFormat>();

/** @param timezone IANA name; throws a RangeError for an unknown one. */
export function localTime(epochMs: number, timezone: string): LocalTime {
  let format = formats.get(timezone);
  if (!format) {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, hourCycle: 'h23', ...numeric });
    formats.set(timezone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = parts;
  return { year, month, day, hour, minute };
}

type Field = (time: LocalTime) => string;

const digits = (value: number, length: number): string => String(value).padStart(length, '0');

const FIELDS: Readonly<Record<string, Field>> = {
  Y: ({ year }) => digits(year, 4),
  y: ({ year }) => digits(year % 100, 2),
  m: ({ month }) => digits(month, 2),
  d: ({ day }) => digits(day, 2),
  j: ({ year, month, day }) => digits((Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / DAY_MS + 1, 3),
  H: ({ hour }) => digits(hour, 2),
  M: () => '[0-9][0-9]',
  S: () => '[0-9][0-9]',
  '%': () => '%',
};

/** Longest reach of {@link expandDates}, ms. */
export const LONGEST_REACH_MS = 32 * DAY_MS;

/** Why the date fields of a text cannot be filled in; undefined when they can. `%M` and `%S` stand in file names only. */
export function dateFieldProblem(text: string, place: 'folder' | 'name'): string | undefined {
  for (const [field, letter = ''] of text.matchAll(/%(.?)/gsu)) {
    if (!Object.hasOwn(FIELDS, letter))
      return `${field} is no date field; they are %Y %y %m %d %j %H %M %S and %% for %`;
    if (place === 'folder' && (letter === 'M' || letter === 'S')) return `${field} stands in names of files only`;
  }
  return undefined;
}

/** Has the text date fields, so that it means other things at other times? */
export function hasDateFields(text: string): boolean {
  return /%[YymdjH]/.test(text.replaceAll('%%', ''));
}

export interface DateReach {
  readonly fromMs: number;
  readonly toMs: number;
  readonly timezone: string;
}

/**
 * The text for every hour of the reach, each once, the oldest first: `/data/%Y-%m-%d` is one folder per day. Minutes and
 * seconds become any two digits. Throws a RangeError for a reach beyond {@link LONGEST_REACH_MS}.
 */
export function expandDates(text: string, { fromMs, toMs, timezone }: DateReach): readonly string[] {
  if (toMs - fromMs > LONGEST_REACH_MS) throw new RangeError('the dates reach too far');
  const fill = (epochMs: number): string => {
    const time = localTime(epochMs, timezone);
    return text.replace(/%(.)/gsu, (field, letter: string) => FIELDS[letter]?.(time) ?? field);
  };
  if (!hasDateFields(text)) return [fill(toMs)];
  const seen = new Set<string>();
  for (let at = fromMs; at < toMs; at += HOUR_MS) seen.add(fill(at));
  seen.add(fill(toMs));
  return [...seen];
}
