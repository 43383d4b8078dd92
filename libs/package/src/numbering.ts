import { numberClass, OWN_TAGS_AFTER, sortLock } from './lock.js';
import type { LockLine } from './result.js';

export interface Numbered {
  readonly kind: LockLine['kind'];
  /** Point table, device (own tags) or model. */
  readonly scope: string;
  readonly id: string;
  readonly type: string;
  /** Id that it had before. */
  readonly was?: string | undefined;
  /** A device's own tag. */
  readonly isOwn?: boolean;
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

/** Gives every tag and point its number: the one it ever had, else the highest ever given in its scope + 1. */
export class Numbering {
  readonly #lines = new Map<string, Mutable<LockLine>>();
  readonly #highest = new Map<string, number>();
  readonly #used = new Set<Mutable<LockLine>>();
  readonly #scopes = new Map<string, Set<Mutable<LockLine>>>();

  /** @param published numbers that are in use; of the package's own lock only what does not contradict them counts. */
  constructor(own: readonly LockLine[], published: readonly LockLine[] = []) {
    const taken = new Set<string>();
    for (const line of [...published, ...own]) {
      const number = `${line.kind} ${line.scope} ${line.number}`;
      const key = keyOf(line, numberClass(line.number) === 'own');
      if (taken.has(number) || this.#lines.has(key)) continue;
      taken.add(number);
      this.#add({ ...line });
    }
  }

  /** Carries the numbers of a renamed model, or of a renamed device's own tags. */
  renameScope(kind: LockLine['kind'], from: string, to: string): void {
    const lines = [...(this.#scopes.get(scopeKey(kind, from, kind === 'tag')) ?? [])];
    if ((this.#scopes.get(scopeKey(kind, to, kind === 'tag'))?.size ?? 0) > 0) return;
    for (const line of lines) {
      this.#remove(line);
      line.scope = to;
      this.#add(line);
    }
  }

  /** The type that the lock has for it, before this package. */
  lockedType({ kind, scope, id, was, isOwn = false }: Numbered): string | undefined {
    const line = this.#lines.get(keyOf({ kind, scope, id }, isOwn));
    if (line || was === undefined) return line?.type;
    return this.#lines.get(keyOf({ kind, scope, id: was }, isOwn))?.type;
  }

  number({ kind, scope, id, type, was, isOwn = false }: Numbered): number {
    const key = keyOf({ kind, scope, id }, isOwn);
    let line = this.#lines.get(key);
    if (!line && was !== undefined) {
      line = this.#lines.get(keyOf({ kind, scope, id: was }, isOwn));
      if (line) {
        this.#remove(line);
        line.id = id;
        this.#add(line);
      }
    }
    if (!line) {
      const highest = this.#highest.get(scopeKey(kind, scope, isOwn)) ?? (isOwn ? OWN_TAGS_AFTER : 0);
      line = { kind, scope, number: highest + 1, id, type, state: '' };
      this.#add(line);
    }
    line.type = type;
    line.state = '';
    this.#used.add(line);
    return line.number;
  }

  /** Every line ever; what was not asked for is retired. */
  lines(): readonly LockLine[] {
    return sortLock(
      [...this.#lines.values()].map((line) => (this.#used.has(line) ? line : { ...line, state: 'retired' as const })),
    );
  }

  #add(line: Mutable<LockLine>): void {
    const isOwn = numberClass(line.number) === 'own';
    this.#lines.set(keyOf(line, isOwn), line);
    const scope = scopeKey(line.kind, line.scope, isOwn);
    this.#highest.set(scope, Math.max(this.#highest.get(scope) ?? 0, line.number));
    const lines = this.#scopes.get(scope);
    if (lines) lines.add(line);
    else this.#scopes.set(scope, new Set([line]));
  }

  #remove(line: Mutable<LockLine>): void {
    const isOwn = numberClass(line.number) === 'own';
    this.#lines.delete(keyOf(line, isOwn));
    this.#scopes.get(scopeKey(line.kind, line.scope, isOwn))?.delete(line);
  }
}

function scopeKey(kind: string, scope: string, isOwn: boolean): string {
  return `${kind} ${isOwn ? 'own' : 'table'} ${scope}`;
}

function keyOf({ kind, scope, id }: Pick<LockLine, 'kind' | 'scope' | 'id'>, isOwn: boolean): string {
  return `${scopeKey(kind, scope, isOwn)} ${id}`;
}
