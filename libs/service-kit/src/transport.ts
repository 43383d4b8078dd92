import type { Bus, Consumption, Delivery, OutRecord, Position } from '@busbar/bus';
import type { TopicName } from '@busbar/events';
import { ClientProxy, Ctx, EventPattern, Payload, type ReadPacket, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';

const TRANSPORT = Symbol('busbar-bus');

class HandlerFailure {
  constructor(readonly error: unknown) {}
}

type DeliveryHandler = (delivery: Delivery, signal: AbortSignal) => Promise<void>;

/**
 * Marks a controller's method as consumer of a topic in a group: `(delivery, signal) => Promise<void>`, one call per
 * delivery. The promise means that the outputs are durable; a rejection has the delivery tried again.
 */
export function Consume(topic: TopicName, group: string) {
  return <Method extends DeliveryHandler>(
    target: object,
    key: string,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    const method = descriptor.value as Method;
    // Nest replaces a thrown error by "Internal server error"; the bus shall see the true one.
    const handler = async function (this: unknown, delivery: Delivery, signal: AbortSignal) {
      try {
        await method.call(this, delivery, signal);
        return undefined;
      } catch (error) {
        return new HandlerFailure(error);
      }
    };
    descriptor.value = handler as unknown as Method;
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    EventPattern<string>(topic, TRANSPORT, { group })(target, key, descriptor);
  };
}

export interface Lag extends ReturnType<Consumption['lag']> {
  readonly topic: TopicName;
  readonly group: string;
}

/** Nest's side of the bus: every `@Consume` method becomes a consumption of its own. */
export class BusServer extends Server {
  override readonly transportId = TRANSPORT;
  override readonly propagatesEventHandlerErrors = true;
  readonly #bus: Bus;
  readonly #consumptions: { readonly topic: TopicName; readonly group: string; readonly consumption: Consumption }[] =
    [];

  constructor(bus: Bus) {
    super();
    this.#bus = bus;
  }

  override addHandler(
    pattern: string,
    callback: Parameters<Server['addHandler']>[1],
    isEventHandler = false,
    extras: Record<string, string> = {},
  ): void {
    // Two services in one process may read the same topic in groups of their own.
    super.addHandler(`${pattern}#${extras.group}`, callback, isEventHandler, { ...extras, topic: pattern });
  }

  listen(callback: (...parameters: unknown[]) => void): void {
    for (const handler of this.messageHandlers.values()) {
      const { topic, group } = handler.extras as { topic: TopicName; group: string };
      const consumption = this.#bus.consume(topic, group, async (delivery, signal) => {
        let result: unknown = await handler(delivery, signal);
        if (isObservable(result)) result = await lastValueFrom(result, { defaultValue: undefined });
        if (result instanceof HandlerFailure) throw result.error;
      });
      this.#consumptions.push({ topic, group, consumption });
    }
    callback();
  }

  /** What waits for each consumption. */
  lags(): Lag[] {
    return this.#consumptions.map(({ topic, group, consumption }) => ({ topic, group, ...consumption.lag() }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumptions.map(({ consumption }) => consumption.stop()));
  }

  on(): void {}

  unwrap<T>(): T {
    return this.#bus as T;
  }
}

/** Nest's client over the bus: `emit(topic, { key, value })` completes when the record is durable. */
export class BusClient extends ClientProxy {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    super();
    this.#bus = bus;
  }

  async connect(): Promise<void> {}

  async close(): Promise<void> {}

  unwrap<T>(): T {
    return this.#bus as T;
  }

  /** Questions with answers do not go over the bus: an answer would be lost at each rebalance. */
  protected publish(): () => void {
    throw new TypeError('emit only: the bus carries events');
  }

  protected async dispatchEvent<T>(packet: ReadPacket<Omit<OutRecord, 'topic'>>): Promise<T> {
    const positions: readonly Position[] = await this.#bus.publish([
      { ...packet.data, topic: packet.pattern as TopicName },
    ]);
    return positions as T;
  }
}
