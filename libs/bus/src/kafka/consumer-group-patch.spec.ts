import kafkajs from 'kafkajs';
import ConsumerGroup, { type GroupCoordinator } from 'kafkajs/src/consumer/consumerGroup.js';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { patchCoordinator, patchFetch } from './consumer-group-patch.js';

const { KafkaJSConnectionError } = kafkajs;

describe('the coordinator of a group', () => {
  let asked: string[];
  let coordinator: number;
  const answers = new Map<number, () => Promise<void>>();

  beforeEach(() => {
    patchCoordinator();
    patchCoordinator();
    asked = [];
    coordinator = 1;
    answers.clear();
  });

  const broker = (nodeId: number): GroupCoordinator => ({
    nodeId,
    heartbeat: async ({ memberId }) => {
      asked.push(`${memberId} at ${nodeId}`);
      await answers.get(nodeId)?.();
    },
  });

  function member(): ConsumerGroup {
    const cluster = {
      findGroupCoordinatorMetadata: async () => ({ coordinator: { nodeId: coordinator } }),
      findBroker: async ({ nodeId }: { nodeId: number }) => broker(nodeId),
    };
    const logger = { namespace: () => ({}) };
    const instrumentationEmitter = { emit: () => undefined };
    const group = new ConsumerGroup({ cluster, groupId: 'collector.all', logger, instrumentationEmitter, topics: [] });
    return Object.assign(group, { memberId: 'm', coordinator: broker(1), lastRequest: 0 });
  }

  it('hears the next heartbeat of the same member where it is now, when the former one is dead or is it no more', async () => {
    for (const error of [new KafkaJSConnectionError('refused'), { type: 'NOT_COORDINATOR_FOR_GROUP' }]) {
      asked = [];
      coordinator = 2;
      answers.set(1, () => Promise.reject(error));
      const group = member();
      await expect(group.heartbeat({ interval: 0 })).rejects.toMatchObject({ retriable: true });
      await group.heartbeat({ interval: 0 });
      expect(asked).toEqual(['m at 1', 'm at 2']);
    }
  });

  it('is asked for again until another one is known', async () => {
    answers.set(1, () => Promise.reject(new KafkaJSConnectionError('refused')));
    const group = member();
    await expect(group.heartbeat({ interval: 0 })).rejects.toThrow('collector.all');
    coordinator = 3;
    await expect(group.heartbeat({ interval: 0 })).rejects.toThrow('collector.all');
    await group.heartbeat({ interval: 0 });
    expect(asked).toEqual(['m at 1', 'm at 1', 'm at 3']);
  });

  it('has its word about the group passed on as it is', async () => {
    const rebalance = Object.assign(new Error('rebalance'), { type: 'REBALANCE_IN_PROGRESS' });
    answers.set(1, () => Promise.reject(rebalance));
    await expect(member().heartbeat({ interval: 0 })).rejects.toBe(rebalance);
  });
});

describe('what was fetched', () => {
  it('is left to be fetched again when the group was joined anew meanwhile', async () => {
    const fetch = vi.spyOn(ConsumerGroup.prototype, 'fetch').mockImplementation(async () => ['batch']);
    patchFetch();
    patchFetch();
    const group = Object.create(ConsumerGroup.prototype) as ConsumerGroup;
    Object.assign(group, { memberId: 'm', generationId: 1 });
    expect(await group.fetch(1)).toEqual(['batch']);
    for (const joined of [{ generationId: 2 }, { memberId: 'n' }]) {
      fetch.mockImplementationOnce(async () => {
        Object.assign(group, joined);
        return ['batch'];
      });
      expect(await group.fetch(1)).toEqual([]);
      expect(await group.fetch(1)).toEqual(['batch']);
    }
  });
});
