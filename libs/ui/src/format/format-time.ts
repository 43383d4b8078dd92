const QUARTER = 900_000;
const offsets = new Map<string, number>();
const zones = new Map<string, Intl.DateTimeFormat>();

/** Offset of a zone from UTC at that moment, milliseconds; offsets of our time change on quarter hours only. */
export function zoneOffsetMs(at: number, zone: string): number {
  const quarter = Math.floor(at / QUARTER);
  const key = `${zone}/${quarter}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  if (offsets.size > 5000) offsets.clear();
  const start = quarter * QUARTER;
  const part = Object.fromEntries(
    zoneFormat(zone)
      .formatToParts(start)
      .map((p) => [p.type, Number(p.value)]),
  );
  const local = Date.UTC(part.year ?? 0, (part.month ?? 1) - 1, part.day, part.hour, part.minute, part.second);
  const offset = Math.round((local - start) / 1000) * 1000;
  offsets.set(key, offset);
  return offset;
}

function zoneFormat(zone: string): Intl.DateTimeFormat {
  let format = zones.get(zone);
  if (format === undefined) {
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
    const clock = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const;
    format = new Intl.DateTimeFormat('en-US', { ...fields, ...clock, timeZone: zone });
    zones.set(zone, format);
  }
  return format;
}

/** True if the platform knows the zone. */
export function isZone(zone: string): boolean {
  try {
    zoneFormat(zone);
    return true;
  } catch {
    return false;
  }
}

/** Epoch milliseconds whose UTC fields are the wall clock of the zone; undefined beyond what a Date holds. */
function shifted(at: number, zone: string): string | undefined {
  const date = new Date(at + (Math.abs(at) < 4e12 ? zoneOffsetMs(at, zone) : 0));
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** `14:03:22.131`, as the clock of the zone shows it. */
export function formatClock(at: number, zone: string): string {
  return shifted(at, zone)?.slice(-13, -1) ?? '?';
}

/** `14:03:22`. */
export function formatClockSeconds(at: number, zone: string): string {
  return formatClock(at, zone).slice(0, 8);
}

/** `2026-11-04`. */
export function formatDay(at: number, zone: string): string {
  return shifted(at, zone)?.slice(0, -14) ?? '?';
}

/** The clock with milliseconds, and the day before it when it is not today's. */
export function formatTime(at: number, now: number, zone: string): string {
  const clock = formatClock(at, zone);
  const day = formatDay(at, zone);
  return day === formatDay(now, zone) ? clock : `${day} ${clock}`;
}

/** `UTC+08:00`. */
export function formatOffset(at: number, zone: string): string {
  const minutes = zoneOffsetMs(at, zone) / 60_000;
  const size = Math.abs(Math.trunc(minutes));
  const two = (n: number) => String(n).padStart(2, '0');
  return `UTC${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** ISO 8601 with offset, for copying: `2026-11-04T14:03:22.131+08:00`. */
export function formatIso(at: number, zone: string): string {
  const local = shifted(at, zone);
  return local === undefined ? '?' : local.slice(0, -1) + formatOffset(at, zone).slice(3);
}
