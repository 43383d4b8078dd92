import type { CellContent, LiveColumn } from './live-column.js';
import type { RowSource } from './row-source.js';

export interface RecyclerOptions<Row, Cell> {
  /** Scrolls; holds the sticky head above `body`. */
  readonly scroller: HTMLElement;
  readonly body: HTMLElement;
  readonly headHeight: number;
  readonly rowHeight: number;
  /** Prefix of the ids that `aria-activedescendant` points to. */
  readonly id: string;
  readonly source: RowSource<Row, Cell>;
  readonly columns: readonly LiveColumn<Row, Cell>[];
  readonly now: () => number;
  /** Before the next frame is drawn, once. */
  readonly soon: (run: () => void) => void;
  readonly isSelected: (index: number) => boolean;
}

const OVERSCAN = 8;
const EMPTY: CellContent = { text: '' };

/** One element per row on the screen, whatever the table's length: a row that scrolls out becomes the one coming in. */
export class RowRecycler<Row, Cell> {
  private slots: Slot<Row, Cell>[] = [];
  private dirty = new Set<number>();
  private allDirty = false;
  private due = false;
  private ended = false;
  private active: { index: number; column: number } | null = null;
  private readonly unlisten: () => void;

  constructor(private readonly o: RecyclerOptions<Row, Cell>) {
    this.unlisten = o.source.onChange((indexes) => {
      if (indexes === null) this.allDirty = true;
      else for (const index of indexes) this.dirty.add(index);
      this.flushSoon();
    });
    this.layout();
  }

  /** Rows of the page that fit below the head, at least 1. */
  get pageRows(): number {
    return Math.max(1, Math.floor((this.o.scroller.clientHeight - this.o.headHeight) / this.o.rowHeight));
  }

  /** After a scroll or a change of size. */
  layout(): void {
    const { scroller, body, rowHeight, source } = this.o;
    const total = source.total ?? 0;
    const height = `${total * rowHeight}px`;
    if (body.style.height !== height) body.style.height = height;
    const wanted = Math.min(total, this.pageRows + 1 + 2 * OVERSCAN);
    while (this.slots.length < wanted) this.slots.push(this.addSlot());
    while (this.slots.length > wanted) this.slots.pop()?.element.remove();
    const top = Math.floor(scroller.scrollTop / rowHeight) - OVERSCAN;
    const first = Math.max(0, Math.min(top, total - wanted));
    for (let index = first; index < first + wanted; index++) {
      const slot = this.slots[index % wanted] as Slot<Row, Cell>;
      if (slot.index !== index) this.put(slot, index);
    }
    if (wanted > 0) source.want(first, wanted);
  }

  /** Paints what depends on the time. */
  tick(): void {
    for (const slot of this.slots) this.paint(slot, (column) => column.ages === true);
  }

  /** After the selection changed. */
  markAll(): void {
    for (const slot of this.slots) this.mark(slot);
  }

  /** Paints all, for what the source does not tell: link, language. */
  refresh(): void {
    this.allDirty = true;
    this.flushSoon();
  }

  /** The id of the active cell's element, for `aria-activedescendant`; undefined if none is on the screen. */
  setActive(active: { index: number; column: number } | null): string | undefined {
    const before = this.active;
    this.active = active;
    for (const slot of this.slots) {
      if (slot.index === before?.index || slot.index === active?.index) this.mark(slot);
    }
    if (active === null) return undefined;
    this.reveal(active.index);
    return this.slots.find((slot) => slot.index === active.index)?.cells[active.column]?.element.id;
  }

  indexOf(target: EventTarget | null): number | undefined {
    const element = target instanceof Element ? target.closest('[role=row]') : null;
    return this.slots.find((slot) => slot.element === element)?.index;
  }

  destroy(): void {
    this.ended = true;
    this.unlisten();
    this.o.body.replaceChildren();
    this.slots = [];
  }

  private reveal(index: number): void {
    const { scroller, rowHeight, headHeight } = this.o;
    const top = index * rowHeight;
    const room = scroller.clientHeight - headHeight;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + rowHeight > scroller.scrollTop + room) scroller.scrollTop = top + rowHeight - room;
    this.layout();
  }

  private flushSoon(): void {
    if (this.due) return;
    this.due = true;
    this.o.soon(() => {
      this.due = false;
      if (!this.ended) this.flush();
    });
  }

  private flush(): void {
    const { dirty, allDirty } = this;
    this.dirty = new Set();
    this.allDirty = false;
    if (allDirty) {
      this.layout();
      for (const slot of this.slots) this.put(slot, slot.index);
      return;
    }
    for (const slot of this.slots) if (dirty.has(slot.index)) this.paint(slot, () => true);
  }

  private put(slot: Slot<Row, Cell>, index: number): void {
    slot.index = index;
    slot.element.style.transform = `translateY(${index * this.o.rowHeight}px)`;
    slot.element.setAttribute('aria-rowindex', String(index + 2));
    slot.element.classList.toggle('odd', index % 2 === 1);
    slot.element.classList.toggle('unknown', this.o.source.row(index) === undefined);
    this.mark(slot);
    this.paint(slot, () => true);
  }

  private mark(slot: Slot<Row, Cell>): void {
    const isActive = slot.index === this.active?.index;
    const isSelected = this.o.isSelected(slot.index);
    slot.element.classList.toggle('active', isActive);
    slot.element.setAttribute('aria-selected', String(isSelected));
    slot.cells.forEach((cell, column) => {
      cell.element.classList.toggle('active', isActive && column === this.active?.column);
    });
  }

  private paint(slot: Slot<Row, Cell>, which: (column: LiveColumn<Row, Cell>) => boolean): void {
    const row = this.o.source.row(slot.index);
    const cell = this.o.source.cell(slot.index);
    const now = this.o.now();
    this.o.columns.forEach((column, i) => {
      if (which(column)) slot.cells[i]?.show(row === undefined ? EMPTY : column.paint(row, cell, now));
    });
  }

  private addSlot(): Slot<Row, Cell> {
    const page = this.o.body.ownerDocument;
    const element = page.createElement('div');
    element.setAttribute('role', 'row');
    element.className = 'bb-row';
    const number = this.slots.length;
    const cells = this.o.columns.map((column, i) => {
      const look = `bb-cell ${column.align ?? ''} ${column.className ?? ''}`.trim();
      const cell = new CellElement(page, look, `${this.o.id}-${number}-${i}`);
      cell.element.setAttribute('aria-colindex', String(i + 1));
      element.append(cell.element);
      return cell;
    });
    this.o.body.append(element);
    return { element, cells, index: -1 };
  }
}

interface Slot<_Row, _Cell> {
  readonly element: HTMLElement;
  readonly cells: readonly CellElement[];
  index: number;
}

/** Touches the page only where the content differs from what it shows. */
class CellElement {
  readonly element: HTMLElement;
  private readonly shape: HTMLElement;
  private readonly text: HTMLElement;
  private readonly aside: HTMLElement;
  private shown: CellContent = EMPTY;

  constructor(page: Document, look: string, id: string) {
    this.element = page.createElement('div');
    this.element.setAttribute('role', 'gridcell');
    this.element.id = id;
    this.element.className = look;
    this.shape = page.createElement('i');
    this.text = page.createElement('span');
    this.text.className = 'bb-cell-text';
    this.aside = page.createElement('small');
    this.element.append(this.text);
  }

  show(next: CellContent): void {
    const before = this.shown;
    this.shown = next;
    if (next.text !== before.text) this.text.textContent = next.text;
    if (next.aside !== before.aside) {
      this.aside.textContent = next.aside ?? '';
      if (next.aside === undefined) this.aside.remove();
      else if (before.aside === undefined) this.element.append(this.aside);
    }
    if (next.shape !== before.shape) {
      this.shape.className = `bb-shape ${next.shape ?? ''}`;
      if (next.shape === undefined) this.shape.remove();
      else if (before.shape === undefined) this.element.prepend(this.shape);
    }
    if (next.look !== before.look) {
      if (before.look !== undefined) this.element.classList.remove(...before.look.split(' '));
      if (next.look !== undefined) this.element.classList.add(...next.look.split(' '));
    }
    this.attribute('title', next.tip, before.tip);
    this.attribute('aria-label', next.label, before.label);
    this.attribute('data-action', next.action, before.action);
  }

  private attribute(name: string, next: string | undefined, before: string | undefined): void {
    if (next === before) return;
    if (next === undefined || next === '') this.element.removeAttribute(name);
    else this.element.setAttribute(name, next);
  }
}
