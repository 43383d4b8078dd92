import type { TopicLog } from './topic-log.js';

/** How far a group has settled a topic: the longest prefix. */
export class GroupPosition {
  readonly topic: TopicLog;
  readonly name: string;
  next: number;

  constructor(topic: TopicLog, name: string, next: number) {
    this.topic = topic;
    this.name = name;
    this.next = next;
  }
}
