/** A row of an edition's table of identifiers, formats as type strings. */
export interface ItemRow {
  readonly quantity: string;
  readonly unit?: string;
  /** Joined by `+` where several values stand together. */
  readonly format: string;
  /** Most repetitions in a block. */
  readonly most?: number;
}

/** Units and formats that energies share. */
export interface EnergyKind {
  readonly quantity: string;
  readonly unit: string;
  readonly isSigned?: boolean;
}

/** Words joined by ", " without the empty ones. */
export function words(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}
