import { type AnyServer, type ServerSpec, serverCheck } from '@busbar/server-sdk';
import { expect, it } from 'vitest';
import type { z } from 'zod';
import type { ClientSimulator } from './client-simulator.js';

function fieldsOf(schema: z.ZodType): [string, z.ZodType][] {
  return 'shape' in schema ? Object.entries(schema.shape as Record<string, z.ZodType>) : [];
}

/** What forms, documentation and validation rely on. */
export function describeFields<Config>(server: ServerSpec<Config>, simulator: ClientSimulator): void {
  const fields = fieldsOf(server.config);
  const check = serverCheck(server as unknown as AnyServer);

  it('has an id, a version and one sentence of summary', () => {
    expect(server.id).toMatch(/^[a-z][a-z0-9-]*$/);
    expect(server.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(server.summary).toMatch(/^[A-Z].*\.$/);
  });

  it('describes every field', () => {
    expect(fields.length).toBeGreaterThan(0);
    for (const [name, field] of fields) {
      expect(field.meta()?.title, `title of ${name}`).toBeTypeOf('string');
      expect(field.meta()?.description, `description of ${name}`).toBeTypeOf('string');
    }
  });

  it('marks every field that holds a secret, and takes only references there', () => {
    for (const [name, field] of fields.filter(([each]) => /password|secret|token|key$/i.test(each))) {
      expect(check.config.secrets).toContain(name);
      expect(field.safeParse('in the clear').success, name).toBe(false);
    }
  });

  it('refuses a field that does not exist, and says which do', () => {
    const result = check.config.parse({ ...simulator.config, noSuchField: 1 });
    const problems = 'problems' in result ? result.problems : [];
    expect(problems.map(({ path }) => path)).toEqual([['noSuchField']]);
    expect(problems[0]?.fix).toContain(fields[0]?.[0]);
  });

  it('accepts its own result again unchanged', () => {
    const once = server.config.parse(simulator.config);
    expect(server.config.parse(once)).toEqual(once);
  });
}
