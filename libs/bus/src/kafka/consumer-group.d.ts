/** The part of kafkajs' group membership that its patches need; kafkajs does not declare it. */
declare module 'kafkajs/src/consumer/consumerGroup.js' {
  export interface GroupCoordinator {
    readonly nodeId: number;
    heartbeat(group: { readonly groupId: string; readonly memberId: string }): Promise<void>;
  }
  export default class ConsumerGroup {
    constructor(options: object);
    readonly groupId: string;
    memberId: string | null;
    generationId: number | null;
    /** When the last heartbeat was answered, epoch ms. */
    lastRequest: number;
    coordinator: GroupCoordinator | null;
    readonly cluster: {
      findGroupCoordinatorMetadata(group: {
        readonly groupId: string;
        /** 0: of a consumer group. */
        readonly coordinatorType: 0;
      }): Promise<{ readonly coordinator: { readonly nodeId: number } }>;
      findBroker(node: { readonly nodeId: number }): Promise<GroupCoordinator>;
    };
    heartbeat(options: { readonly interval: number }): Promise<void>;
    /** Batches of the assigned partitions that this broker leads. */
    fetch(nodeId: number): Promise<readonly unknown[]>;
  }
}
