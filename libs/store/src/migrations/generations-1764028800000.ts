import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Plain SQL that PostgreSQL 15 and PGlite both take. */
export class Generations1764028800000 implements MigrationInterface {
  readonly name = 'Generations1764028800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE generations (
        number integer PRIMARY KEY CHECK (number > 0),
        digest text NOT NULL,
        published_at bigint NOT NULL,
        published_by text NOT NULL,
        note text NOT NULL
      )`);
    await runner.query('CREATE TABLE entity_values (digest text PRIMARY KEY, value jsonb NOT NULL)');
    await runner.query(`
      CREATE TABLE generation_entities (
        generation integer NOT NULL REFERENCES generations (number),
        topic text NOT NULL,
        kind text NOT NULL,
        id text NOT NULL,
        key text NOT NULL,
        digest text NOT NULL REFERENCES entity_values (digest),
        PRIMARY KEY (generation, topic, kind, id)
      )`);
    await runner.query('CREATE TABLE file_contents (digest text PRIMARY KEY, content bytea NOT NULL)');
    await runner.query(`
      CREATE TABLE generation_files (
        generation integer NOT NULL REFERENCES generations (number),
        path text NOT NULL,
        digest text NOT NULL REFERENCES file_contents (digest),
        PRIMARY KEY (generation, path)
      )`);
    await runner.query(`
      CREATE TABLE lock_lines (
        kind text NOT NULL,
        scope text NOT NULL,
        number integer NOT NULL,
        id text NOT NULL,
        type text NOT NULL,
        state text NOT NULL,
        PRIMARY KEY (kind, scope, number)
      )`);
    await runner.query(`
      CREATE TABLE published_on_bus (
        id integer PRIMARY KEY CHECK (id = 1),
        generation integer NOT NULL,
        published_at bigint NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const tables = ['published_on_bus', 'lock_lines', 'generation_files', 'file_contents'];
    for (const table of [...tables, 'generation_entities', 'entity_values', 'generations']) {
      await runner.query(`DROP TABLE ${table}`);
    }
  }
}
