import type { End, Rule } from '@busbar/events';
import type { ControlPort, ServerDecision, ServerSubmission, ServerWish } from '@busbar/server-sdk';

export interface ScriptedAnswer {
  readonly decided: ServerDecision | Promise<ServerDecision>;
  readonly ended: End | Promise<End>;
}

export const EXECUTED: End = { kind: 'executed', verified: true, written: true, clamped: false };

export function refusal(rule: Rule, point?: string): ScriptedAnswer {
  const facts = point === undefined ? [] : [{ name: 'point', value: point }];
  return { decided: { kind: 'refused', rule }, ended: { kind: 'refused', rule, also: [], facts } };
}

/** Granted, and then this end. */
export function ending(ended: End | Promise<End>): ScriptedAnswer {
  return { decided: { kind: 'granted' }, ended };
}

/** An arbiter that answers as it is told, and remembers what it was asked. */
export class TestControls implements ControlPort {
  readonly wishes: ServerWish[] = [];
  readonly lostLinks: string[] = [];
  /** Grants and executes everything at once unless it is set. */
  script: (wish: ServerWish) => ScriptedAnswer = () => ending(EXECUTED);

  submit(wish: ServerWish): ServerSubmission {
    this.wishes.push(wish);
    const { decided, ended } = this.script(wish);
    return { decided: Promise.resolve(decided), ended: Promise.resolve(ended) };
  }

  linkLost(link: string): void {
    this.lostLinks.push(link);
  }
}
