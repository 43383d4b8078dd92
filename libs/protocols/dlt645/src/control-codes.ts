/** The two editions differ in control codes, in the length of identifiers and in formats. */
export const EDITIONS = ['1997', '2007'] as const;
export type Edition = (typeof EDITIONS)[number];

/** DL/T 645-2007 §5.2.3: bits of the control code above the function. */
export const CONTROL_BIT = { reply: 0x80, error: 0x40, more: 0x20, function: 0x1f } as const;

const CODES = {
  '1997': {
    read: 0x01,
    'read-following': 0x02,
    'read-again': 0x03,
    write: 0x04,
    'set-clock': 0x08,
    'write-address': 0x0a,
    'change-rate': 0x0c,
    'change-password': 0x0f,
    'clear-demand': 0x10,
  },
  '2007': {
    authenticate: 0x03,
    'set-clock': 0x08,
    read: 0x11,
    'read-following': 0x12,
    'read-address': 0x13,
    write: 0x14,
    'write-address': 0x15,
    freeze: 0x16,
    'change-rate': 0x17,
    'change-password': 0x18,
    'clear-demand': 0x19,
    'clear-meter': 0x1a,
    'clear-events': 0x1b,
    'switch-load': 0x1c,
    'set-output': 0x1d,
  },
} as const;

export type MeterFunction = keyof (typeof CODES)['1997'] | keyof (typeof CODES)['2007'];

/** The code of a function, 0 to 31; null where the edition lacks it. */
export function functionCode(edition: Edition, name: MeterFunction): number | null {
  const codes: Partial<Record<MeterFunction, number>> = CODES[edition];
  return codes[name] ?? null;
}

/** The name of a control code's function for the frame view; null if the edition knows none. */
export function functionName(edition: Edition, control: number): MeterFunction | null {
  const code = control & CONTROL_BIT.function;
  const found = Object.entries(CODES[edition]).find(([, value]) => value === code);
  return found === undefined ? null : (found[0] as MeterFunction);
}
