import type { FileTaskFilesView, FileTasksView, FileTaskView } from '@busbar/api-schema';
import { BusbarError } from '@busbar/errors';
import { encodeJson, type FileRequested, type FileUploaded } from '@busbar/events';
import { ServicePorts, ulid } from '@busbar/service-kit';
import { Body, Get, HttpCode, Inject, type OnModuleDestroy, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from './access.js';
import { ApiController, CallerOf } from './api.controller.js';
import { checked } from './api-error.js';
import { FileViews, fileTaskViews } from './file-views.js';
import { LivePorts } from './live-ports.js';

const limit = z.coerce.number().int().min(1).max(10_000);
const listSchema = z.object({ task: z.string().optional(), limit: limit.default(1_000) });
const taskSchema = z.object({ limit: limit.default(200) });
const file = z.string().min(1).max(4_096);
const deliverSchema = z.strictObject({ file });
const retrySchema = z.strictObject({ file: file.optional() });

/** File tasks and their files, and asking for more of them. */
@ApiController('files')
export class FilesController implements OnModuleDestroy {
  readonly #views: FileViews;

  constructor(
    @Inject(ServicePorts) private readonly ports: ServicePorts,
    @Inject(LivePorts) private readonly live: LivePorts,
  ) {
    this.#views = new FileViews(ports.bus, ports.clock);
  }

  /** Those that the clouds have, the newest first. */
  @Get()
  list(@Query() query: unknown): { files: FileUploaded[] } {
    const { task, limit: most } = checked(listSchema, query, 'REQUEST_INVALID');
    return { files: this.#views.uploaded(task).slice(0, most) };
  }

  @Get('tasks')
  tasks(): FileTasksView {
    return { tasks: this.#tasks() };
  }

  /** A task, and how far its files are, the newest first. */
  @Get('tasks/:task')
  show(@Param('task') task: string, @Query() query: unknown): FileTaskFilesView {
    const { limit: most } = checked(taskSchema, query, 'REQUEST_INVALID');
    return { task: this.#task(task), files: this.#views.of(task).slice(0, most) };
  }

  /** Whatever its schedule says. */
  @Post(':task/run')
  @HttpCode(202)
  run(@Param('task') task: string, @CallerOf() caller: Caller): Promise<{ id: string }> {
    return this.#request(task, caller, { act: 'fetch' });
  }

  /** What failed, of one file or of all, without waiting any longer. */
  @Post(':task/retry')
  @HttpCode(202)
  retry(@Param('task') task: string, @Body() body: unknown, @CallerOf() caller: Caller): Promise<{ id: string }> {
    const { file: path } = checked(retrySchema, body ?? {}, 'REQUEST_INVALID');
    return this.#request(task, caller, { act: 'retry', ...(path === undefined ? {} : { file: path }) });
  }

  /** Once more to the clouds, from the copy that is kept. */
  @Post(':task/deliver')
  @HttpCode(202)
  deliver(@Param('task') task: string, @Body() body: unknown, @CallerOf() caller: Caller): Promise<{ id: string }> {
    const { file: path } = checked(deliverSchema, body, 'REQUEST_INVALID');
    return this.#request(task, caller, { act: 'deliver', file: path });
  }

  async onModuleDestroy(): Promise<void> {
    await this.#views.stop();
  }

  #tasks(): FileTaskView[] {
    const { current } = this.ports.configuration;
    if (!current) return [];
    const health = new Map(this.live.connections.list().map(({ connection, files = [] }) => [connection, files]));
    return fileTaskViews(current.configuration, (connection) => health.get(connection) ?? []);
  }

  #task(id: string): FileTaskView {
    const task = this.#tasks().find((one) => one.task === id);
    if (!task) throw new BusbarError('NOT_FOUND', { kind: 'file task', id });
    return task;
  }

  async #request(task: string, caller: Caller, what: Pick<FileRequested, 'act' | 'file'>): Promise<{ id: string }> {
    const { bus, clock } = this.ports;
    const { connection } = this.#task(task);
    const at = clock.wallMs();
    const id = ulid(at);
    const request: FileRequested = { ...what, id, connection, task, by: caller.who, at };
    const value = encodeJson('files.requested.v1', request);
    await bus.publish([{ topic: 'files.requested.v1', key: connection, value }]);
    return { id };
  }
}
