import type { TableView } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import { decodeJson, encodeJson, type FileRequested, type FileUploaded } from '@busbar/events';
import { ServicePorts, ulid } from '@busbar/service-kit';
import { Body, Get, HttpCode, Inject, type OnModuleDestroy, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from './access.js';
import { ApiController, CallerOf } from './api.controller.js';
import { checked } from './api-error.js';

const listSchema = z.object({
  task: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
});
const deliverSchema = z.strictObject({ file: z.string().min(1).max(4_096) });

/** Files that were collected, and asking for more of them. How each task is stands with its connection. */
@ApiController('files')
export class FilesController implements OnModuleDestroy {
  readonly #uploaded: TableView;

  constructor(@Inject(ServicePorts) private readonly ports: ServicePorts) {
    this.#uploaded = ports.bus.table('files.uploaded.v1');
  }

  /** Those that the clouds have, the newest first. */
  @Get()
  list(@Query() query: unknown): { files: FileUploaded[] } {
    const { task, limit } = checked(listSchema, query, 'REQUEST_INVALID');
    const files: FileUploaded[] = [];
    for (const [, { value }] of this.#uploaded.entries()) {
      const file = value && decodeJson('files.uploaded.v1', value);
      if (file && (task === undefined || file.task === task)) files.push(file);
    }
    return { files: files.sort((a, b) => b.uploadedAt - a.uploadedAt).slice(0, limit) };
  }

  @Post(':task/fetch')
  @HttpCode(202)
  fetch(@Param('task') task: string, @CallerOf() caller: Caller): Promise<{ id: string }> {
    return this.#request(task, caller, { act: 'fetch' });
  }

  /** Once more to the clouds, from the copy that is kept. */
  @Post(':task/deliver')
  @HttpCode(202)
  deliver(@Param('task') task: string, @Body() body: unknown, @CallerOf() caller: Caller): Promise<{ id: string }> {
    const { file } = checked(deliverSchema, body, 'REQUEST_INVALID');
    return this.#request(task, caller, { act: 'deliver', file });
  }

  async onModuleDestroy(): Promise<void> {
    await this.#uploaded.stop();
  }

  async #request(task: string, caller: Caller, what: Pick<FileRequested, 'act' | 'file'>): Promise<{ id: string }> {
    const { bus, clock, configuration } = this.ports;
    const connections = configuration.current?.configuration.connections ?? [];
    const owner = connections.find((one) => one.kind === 'file' && one.tasks.some(({ id }) => id === task));
    if (!owner) throw new BusbarError('NOT_FOUND', { kind: 'file task', id: task });
    const at = clock.wallMs();
    const id = ulid(at);
    const request: FileRequested = { ...what, id, connection: owner.id, task, by: caller.who, at };
    const value = encodeJson('files.requested.v1', request);
    await bus.publish([{ topic: 'files.requested.v1', key: owner.id, value }]);
    return { id };
  }
}
