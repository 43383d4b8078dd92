/** Members of a group on one partition: the first has it, the next takes over when it leaves. */
export class GroupQueues<Member> {
  readonly #queues = new Map<string, Member[]>();

  /** True if it is the first. */
  join(group: string, member: Member): boolean {
    const queue = this.#queues.get(group);
    if (queue) {
      queue.push(member);
      return false;
    }
    this.#queues.set(group, [member]);
    return true;
  }

  /** The member that has it now, if it was not this one's before the leave. */
  leave(group: string, member: Member): Member | undefined {
    const queue = this.#queues.get(group) ?? [];
    const index = queue.indexOf(member);
    if (index < 0) return undefined;
    queue.splice(index, 1);
    if (queue.length === 0) this.#queues.delete(group);
    return index === 0 ? queue[0] : undefined;
  }

  *[Symbol.iterator](): IterableIterator<Member> {
    for (const queue of [...this.#queues.values()]) yield* [...queue];
  }
}
