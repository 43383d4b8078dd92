import type { ErrorEntry } from '../catalog.js';

export const FILES_ERRORS = {
  FILE_HOST_KEY: {
    sentence: '{target} shows host key {shown}; the connection names {pinned}.',
    fix: 'If the device got a new key, write it to `hostKey`; if not, somebody stands between: do not connect.',
    retry: 'fix',
  },
  FILE_FOLDER: {
    sentence: '{target} has no folder {folder} that we may list: {reason}.',
    fix: 'Check `path` of the task and the rights of the user.',
    retry: 'retry',
  },
  FILE_DENIED: {
    sentence: '{target} does not let us read {file}.',
    fix: 'Give the user of the connection the right to read it; other files go on.',
    retry: 'retry',
  },
  FILE_GONE: {
    sentence: '{file} is not at {target} any more.',
    fix: 'Nothing, if somebody took it away; else look who does.',
    retry: 'retry',
  },
  FILE_CHANGED: {
    sentence: '{file} changed while it was read from {target}.',
    fix: 'It is taken again once it is at rest; if that never comes, write a longer `settled`.',
    retry: 'retry',
  },
  FILE_SIZE: {
    sentence: '{target} says that {file} has {announced} octets, and delivers {delivered}.',
    fix: 'It is tried again and never taken with a wrong size; report it to the maker of the server.',
    retry: 'retry',
  },
  FILE_TOO_LARGE: {
    sentence: '{file} has {size} octets, and task {task} keeps {limit} at most.',
    fix: 'Write a larger `keep.size`, or a pattern that leaves it out.',
    retry: 'fix',
  },
  FILE_SPOOL_FULL: {
    sentence:
      'Task {task} fetches nothing more: {waiting} octets wait for the cloud, {limit} may be kept, and {file} needs {size}.',
    fix: 'See why the cloud does not take them; nothing is dropped before it has them. It goes on by itself.',
    retry: 'retry',
  },
  FILE_SPOOL_WRITE: {
    sentence: 'The files of {connection} cannot be kept here: {reason}.',
    fix: 'Make room on the disk of the data folder, and check its rights.',
    retry: 'retry',
  },
  FILE_SPOOL_DAMAGED: {
    sentence: 'The copy of {file} that waited here is not what was collected.',
    fix: 'It is collected anew by itself; check the disk of the data folder.',
    retry: 'retry',
  },
  FILE_SPOOL_GONE: {
    sentence: 'There is no copy of {file} of task {task} here any more.',
    fix: 'It was dropped for newer ones; let the source offer it again.',
    retry: 'fix',
  },
  FILE_REFUSED: {
    sentence: '{target} refused {file}: {reason}.',
    fix: 'Compare product, device and model with what the target knows; the file is kept and tried again.',
    retry: 'retry',
  },
  FILE_NO_TARGET: {
    sentence: 'No sink takes the files of {point}.',
    fix: 'Let a sink that can take files, such as enos, send this point.',
    retry: 'fix',
  },
  FILE_ACT: {
    sentence: '{file} is in the cloud, and {target} did not let us {act} it: {reason}.',
    fix: 'Give the user of the connection the right to do so; it is tried again.',
    retry: 'retry',
  },
  FILE_ACT_UNKNOWN: {
    sentence: 'A source of {protocol} cannot {act} files.',
    fix: 'Write `after: keep`.',
    retry: 'fix',
  },
  FILE_TASK_POINT: {
    sentence: 'Task {task} cannot deliver to {point}: {reason}.',
    fix: 'Name an asset and a point of type file in its model.',
    retry: 'fix',
  },
  FILE_TASK_WRITES: {
    sentence: 'Task {task} shall {act} files, and connection {connection} is read-only.',
    fix: 'Write `readOnly: false` at the connection, or `after: keep`.',
    retry: 'fix',
  },
  FILE_TASK_CRON: {
    sentence: '"{cron}" is no cron expression: {reason}.',
    fix: 'Write five fields: minute, hour, day of month, month, day of week; for example 30 2 * * 1-5.',
    retry: 'fix',
  },
  FILE_TASK_SCHEDULE: {
    sentence: 'Task {task} cannot have {fields}: {reason}.',
    fix: 'Write one of them.',
    retry: 'fix',
  },
  FILE_TASK_START: {
    sentence: 'Task {task} cannot start by {point}: {reason}.',
    fix: 'Name an asset, a point of its model, and a value that the point can have.',
    retry: 'fix',
  },
  FILE_TASK_PATTERN: {
    sentence: '"{pattern}" is no pattern of {field}: {reason}.',
    fix: 'Names: * ? [a-z] {a,b}; dates: %Y %y %m %d %j %H (%M %S in names), %% for %.',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
