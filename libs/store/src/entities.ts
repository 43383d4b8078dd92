import 'reflect-metadata';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A bigint column arrives as text on PostgreSQL and on PGlite alike; epoch milliseconds fit a number. */
const milliseconds = { to: (value: number) => String(Math.round(value)), from: (text: string) => Number(text) };

@Entity('generations')
export class GenerationRow {
  @PrimaryColumn('integer')
  number!: number;

  @Column('text')
  digest!: string;

  @Column('bigint', { name: 'published_at', transformer: milliseconds })
  publishedAt!: number;

  @Column('text', { name: 'published_by' })
  by!: string;

  @Column('text')
  note!: string;
}

/** Content-addressed: equal entities of many generations are stored once. */
@Entity('entity_values')
export class EntityValueRow {
  @PrimaryColumn('text')
  digest!: string;

  @Column('jsonb')
  value!: object;
}

@Entity('generation_entities')
export class GenerationEntityRow {
  @PrimaryColumn('integer')
  generation!: number;

  @PrimaryColumn('text')
  topic!: string;

  @PrimaryColumn('text')
  kind!: string;

  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  key!: string;

  @Column('text')
  digest!: string;
}

@Entity('file_contents')
export class FileContentRow {
  @PrimaryColumn('text')
  digest!: string;

  @Column('bytea')
  content!: Buffer;
}

@Entity('generation_files')
export class GenerationFileRow {
  @PrimaryColumn('integer')
  generation!: number;

  @PrimaryColumn('text')
  path!: string;

  @Column('text')
  digest!: string;
}

@Entity('lock_lines')
export class LockLineRow {
  @PrimaryColumn('text')
  kind!: string;

  @PrimaryColumn('text')
  scope!: string;

  @PrimaryColumn('integer')
  number!: number;

  @Column('text')
  id!: string;

  @Column('text')
  type!: string;

  @Column('text')
  state!: string;
}

/** How far the outbox came: the newest generation that stands whole on the bus. */
@Entity('published_on_bus')
export class PublishedOnBusRow {
  @PrimaryColumn('integer')
  id!: number;

  @Column('integer')
  generation!: number;

  @Column('bigint', { name: 'published_at', transformer: milliseconds })
  publishedAt!: number;
}

export const ENTITIES = [
  GenerationRow,
  EntityValueRow,
  GenerationEntityRow,
  FileContentRow,
  GenerationFileRow,
  LockLineRow,
  PublishedOnBusRow,
];
