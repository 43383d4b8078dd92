import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

type EmscriptenOptions = Parameters<NodeFS['init']>[1];

interface NodeFsNode {
  readonly name: string;
}

/** The part of Emscripten's NODEFS that has to flush; stock PGlite leaves `fsync` out, so nothing is ever flushed. */
interface NodeFsModule {
  readonly NODEFS: {
    readonly stream_ops: { fsync?: (stream: { readonly nfd: number }) => number };
    readonly node_ops: { rename: (node: NodeFsNode, folder: NodeFsNode, name: string) => void };
    realPath(node: NodeFsNode): string;
  };
}

export function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Files of the database on disk, flushed when PostgreSQL asks for it: an acknowledged commit survives a power cut. */
export class DurableNodeFs extends NodeFS {
  readonly #flushed: () => void;

  /** @param flushed called after each flush; tests count. */
  constructor(folder: string, flushed: () => void = () => undefined) {
    super(folder);
    this.#flushed = flushed;
  }

  override async init(pg: PGlite, options: EmscriptenOptions): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(pg, options);
    const flush = (module: unknown) => this.#makeDurable(module as NodeFsModule);
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), flush] } };
  }

  #makeDurable({ NODEFS }: NodeFsModule): void {
    NODEFS.stream_ops.fsync = (stream) => {
      fsyncSync(stream.nfd);
      this.#flushed();
      return 0;
    };
    const rename = NODEFS.node_ops.rename;
    NODEFS.node_ops.rename = (node, folder, name) => {
      const before = dirname(NODEFS.realPath(node));
      rename(node, folder, name);
      const after = NODEFS.realPath(folder);
      flushFolder(after);
      if (after !== before) flushFolder(before);
    };
  }
}
