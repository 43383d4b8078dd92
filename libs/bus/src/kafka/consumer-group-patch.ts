import kafkajs from 'kafkajs';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';

let isPatched = false;
let isFetchPatched = false;

function isMoved(error: unknown): boolean {
  const { name, type } = error as { readonly name?: string; readonly type?: string };
  return type === 'NOT_COORDINATOR_FOR_GROUP' || (name ?? '').startsWith('KafkaJSConnection');
}

/**
 * kafkajs 2.2.4 sends its heartbeats to the broker that coordinated the group when it joined, also when that one is dead:
 * until somebody builds a new consumer, and for the group that is a member that died. Another broker coordinates within
 * seconds, and knows the same members: the next heartbeat goes there, and nothing is shared out anew. Throws when a later
 * version no longer has the method, so that nobody believes it patched.
 */
export function patchCoordinator(): void {
  if (isPatched) return;
  const { prototype } = ConsumerGroup;
  const beat = prototype.heartbeat;
  if (typeof beat !== 'function') throw new Error('kafkajs has no heartbeat of a consumer group any more');
  prototype.heartbeat = async function (this: ConsumerGroup, options): Promise<void> {
    const asked = this.coordinator;
    try {
      await beat.call(this, options);
    } catch (error) {
      if (!isMoved(error)) throw error;
      // Of several that wait for the same answer the first looks.
      if (this.coordinator === asked) await moveCoordinator(this);
      // Tried again after a pause; as it came, kafkajs would take it for a rebalance.
      throw new kafkajs.KafkaJSConnectionError(`The coordinator of ${this.groupId} is away or another`);
    }
  };
  isPatched = true;
}

async function moveCoordinator(group: ConsumerGroup): Promise<void> {
  const { groupId, cluster } = group;
  try {
    const { coordinator } = await cluster.findGroupCoordinatorMetadata({ groupId, coordinatorType: 0 });
    group.coordinator = await cluster.findBroker({ nodeId: coordinator.nodeId });
  } catch {
    // Not known yet, or the dead one still: asked again with the next heartbeat.
  }
}

/**
 * kafkajs 2.2.4 joins anew in the middle of the fetches of other brokers when a leader changed. What these bring then was
 * asked for under the former membership: taken as the first of a partition that begins at its committed offset, it would
 * have everything between skipped. It is fetched again.
 */
export function patchFetch(): void {
  if (isFetchPatched) return;
  const { prototype } = ConsumerGroup;
  const fetch = prototype.fetch;
  if (typeof fetch !== 'function') throw new Error('kafkajs has no fetch of a consumer group any more');
  prototype.fetch = async function (this: ConsumerGroup, nodeId): Promise<readonly unknown[]> {
    const { memberId, generationId } = this;
    const batches = await fetch.call(this, nodeId);
    return this.memberId === memberId && this.generationId === generationId ? batches : [];
  };
  isFetchPatched = true;
}
