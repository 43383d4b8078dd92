import { fileAskedSchema } from '@busbar/api-schema';
import { callApi } from '../api/call-api.js';

export type FileAct = 'run' | 'retry' | 'deliver';

export interface FileAsk {
  readonly task: string;
  readonly act: FileAct;
  /** Path at the source: of `deliver`, and of `retry` if it is one file. */
  readonly file?: string;
}

/** Comes back once the request is on its way; what becomes of it is seen in the files. */
export function askFiles({ task, act, file }: FileAsk): Promise<{ id: string }> {
  const body = act === 'run' ? {} : { body: file === undefined ? {} : { file } };
  return callApi(fileAskedSchema, `/files/${encodeURIComponent(task)}/${act}`, { method: 'POST', ...body });
}
