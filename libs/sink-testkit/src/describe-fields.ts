import { type AnySink, type SinkSpec, sinkCheck } from '@busbar/sink-sdk';
import { expect, it } from 'vitest';
import type { z } from 'zod';

function fieldsOf(schema: z.ZodType): [string, z.ZodType][] {
  return 'shape' in schema ? Object.entries(schema.shape as Record<string, z.ZodType>) : [];
}

/** What forms, documentation and validation rely on. */
export function describeFields<Config, Session>(sink: SinkSpec<Config, Session>): void {
  const fields = [...fieldsOf(sink.config), ...fieldsOf(sink.identity)];

  it('has an id, a version and one sentence of summary', () => {
    expect(sink.id).toMatch(/^[a-z][a-z0-9-]*$/);
    expect(sink.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(sink.summary).toMatch(/^[A-Z].*\.$/);
  });

  it('describes every field', () => {
    for (const [name, field] of fields) {
      expect(field.meta()?.title, `title of ${name}`).toBeTypeOf('string');
      expect(field.meta()?.description, `description of ${name}`).toBeTypeOf('string');
    }
  });

  it('marks every field that holds a secret, and takes only references there', () => {
    const check = sinkCheck(sink as unknown as AnySink);
    const secrets = [...check.config.secrets, ...check.identity.secrets];
    const suspicious = fields.map(([name]) => name).filter((name) => /password|secret|token|key$/i.test(name));
    const named = suspicious.filter((name) => !/^(product|device)Key$/.test(name));
    for (const name of named) expect(secrets).toContain(name);
    for (const [name, field] of fields) {
      if (secrets.includes(name)) expect(field.safeParse('in the clear').success, name).toBe(false);
    }
  });

  it('refuses a field that does not exist, and says which do', () => {
    const result = sinkCheck(sink as unknown as AnySink).config.parse({ noSuchField: 1 });
    expect('problems' in result && result.problems.map((problem) => problem.path)).toContainEqual(['noSuchField']);
  });

  it('accepts its own result again unchanged', () => {
    const examples = Object.fromEntries(
      fieldsOf(sink.config)
        .map(([name, field]) => [name, field.meta()?.example] as const)
        .filter(([, example]) => example !== undefined),
    );
    const once = sink.config.parse(examples);
    expect(sink.config.parse(once)).toEqual(once);
  });
}
