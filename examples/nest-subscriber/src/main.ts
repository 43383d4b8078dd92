import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ClientKafka, ClientsModule, EventPattern, Payload, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';

const { BROKERS = 'localhost:9092', SITE = 'demo-pv', POINT = 'inv-01/INV.PowerLimit', VALUE = '80' } = process.env;
const brokers = BROKERS.split(',');
const DECIDE_MS = 2_000;
const EXPIRE_MS = 30_000;

interface Health {
  readonly connection: string;
  readonly state: string;
}

interface End {
  readonly kind: string;
  readonly rule?: string;
}

/** Prints what happens, and asks for one command. */
@Controller()
class Subscriber {
  #asked: string | null = null;

  constructor(@Inject('BUSBAR') private readonly busbar: ClientKafka) {}

  @EventPattern('connections.changed.v1')
  async changed(@Payload() health: Health | null): Promise<void> {
    if (!health) return;
    console.log(`connection ${health.connection} is ${health.state}`);
    if (this.#asked === null && health.state === 'active') await this.ask();
  }

  @EventPattern('control.refused.v1')
  refused(@Payload() { request, end }: { request: { id: string }; end: End }): void {
    if (request.id === this.#asked) console.log(`refused: ${end.rule}`);
  }

  @EventPattern('control.executed.v1')
  executed(@Payload() result: { kind: string; id: string; end?: End }): void {
    if (result.id === this.#asked && result.kind === 'ended') console.log(`ended: ${result.end?.kind}`);
  }

  /** One request; Busbar's clock and ours may differ by a second. */
  private async ask(): Promise<void> {
    const now = Date.now();
    const deadline = (ms: number) => ({ bootId: '', monotonicMs: 0, wallMs: now + ms });
    this.#asked = randomUUID();
    const request = {
      id: this.#asked,
      act: 'operate',
      origin: { source: 'app:nest', kind: 'app', category: 3, who: 'nest-subscriber', link: this.#asked },
      items: [{ point: POINT, value: Number(VALUE) }],
      dryRun: false,
      requestedAt: now,
      decideBy: deadline(DECIDE_MS),
      expiresAt: deadline(EXPIRE_MS),
    };
    await firstValueFrom(this.busbar.emit('control.requested.v1', { key: SITE, value: JSON.stringify(request) }), {
      defaultValue: undefined,
    });
    console.log(`asked for ${POINT} = ${VALUE}`);
  }
}

const options = {
  client: { clientId: 'nest-subscriber', brokers },
  consumer: { groupId: `nest-subscriber-${randomUUID()}`, allowAutoTopicCreation: false },
  subscribe: { fromBeginning: true },
  producer: { allowAutoTopicCreation: false },
};

@Module({
  imports: [
    ClientsModule.register([
      { name: 'BUSBAR', transport: Transport.KAFKA, options: { ...options, producerOnlyMode: true } },
    ]),
  ],
  controllers: [Subscriber],
})
class SubscriberModule {}

const app = await NestFactory.createMicroservice(SubscriberModule, { transport: Transport.KAFKA, options });
app.enableShutdownHooks();
await app.listen();
console.log('listening');
