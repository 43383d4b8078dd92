/** Names that a sink's configuration may fill in: `plants/$site/$asset`. */
export type Placeholder = 'site' | 'sink' | 'asset' | 'model';

const NAME = /\$([A-Za-z]+)/g;

/** The names used in a text, as written, known or not. */
export function placeholdersOf(text: string): string[] {
  return [...text.matchAll(NAME)].map((match) => match[1] as string);
}

/** Fills the names that are given; others stay as written. */
export function fillPlaceholders(text: string, values: Partial<Record<Placeholder, string>>): string {
  return text.replace(NAME, (whole, name: string) =>
    name in values ? (values[name as Placeholder] as string) : whole,
  );
}
