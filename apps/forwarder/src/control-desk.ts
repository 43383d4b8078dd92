import { isBusbarError } from '@busbar/errors';
import type { End } from '@busbar/events';
import type { ControlPort, ServerDecision, ServerSubmission, ServerWish } from '@busbar/server-sdk';
import { ControlEntry, LOGGER, type Logger } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import type { ForwardTarget } from './forward-target.js';

/** Without a decision in this time a master is told so (control.md 8: IEC 104 waits 2 s for its actcon). */
const DECIDE_MS = 2_000;
/** Longer than the latest end of a request; whoever still waits then gets `unknown`. */
const END_MS = 320_000;

const UNANSWERED: ServerDecision = { kind: 'unanswered' };
const PENDING: ServerDecision = { kind: 'pending' };
const NOBODY_CAN_SAY: End = { kind: 'unknown', reason: 'NO_ANSWER' };
const NO_BUS: End = { kind: 'refused', rule: 'RESTARTED', also: [], facts: [] };

/** Words the commands of masters as control requests, and the ends as servers want them. */
@Injectable()
export class ControlDesk {
  constructor(
    @Inject(ControlEntry) private readonly entry: ControlEntry,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Of one forwarding connection; `target` gives its newest configuration. */
  portOf(target: () => ForwardTarget): ControlPort {
    return {
      submit: (wish) => this.#submit(wish, target()),
      linkLost: (link) => {
        const { connection } = target();
        this.entry.linkLost(this.entry.externalOrigin({ connection, source: '', client: '', link }).link);
      },
    };
  }

  #submit(wish: ServerWish, target: ForwardTarget): ServerSubmission {
    const { connection, clients, plan, site } = target;
    const client = clients.find(({ name }) => name === wish.client);
    const items = wish.items.map(({ slot, value }) => {
      const { asset, point } = plan.entries[slot] ?? {};
      return {
        point: `${asset}/${point}`,
        value,
        ...(wish.qualifier === undefined ? {} : { qualifier: wish.qualifier }),
      };
    });
    const origin = this.entry.externalOrigin({
      connection,
      source: client?.source ?? connection,
      client: wish.client,
      link: wish.link,
    });
    const submitted = this.entry.submit(
      { origin, items, act: wish.act, dryRun: wish.isTest, sourceAt: wish.sourceMs },
      site,
    );
    const failed = submitted.then(
      () => null,
      (error: unknown) => {
        if (!isBusbarError(error, 'CONTROL_NO_BUS'))
          this.log.error({ err: error, connection }, 'command not submitted');
        return error;
      },
    );
    const decided = failed.then(async (error): Promise<ServerDecision> => {
      if (error !== null) return UNANSWERED;
      const decision = await (await submitted).decided;
      if (decision.kind === 'refused') return { kind: 'refused', rule: decision.rule };
      return decision.kind === 'granted' ? decision : UNANSWERED;
    });
    const ended = failed.then(async (error): Promise<End> => {
      // Nothing left this process: certainly nothing was written.
      if (error !== null) return NO_BUS;
      return (await (await submitted).ended).end;
    });
    return { decided: within(decided, DECIDE_MS, PENDING), ended: within(ended, END_MS, NOBODY_CAN_SAY) };
  }
}

/** The answer, or the other one after that time. */
function within<T>(answer: Promise<T>, ms: number, other: T): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(other), ms);
    timer.unref();
    answer.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      () => {
        clearTimeout(timer);
        resolve(other);
      },
    );
  });
}
