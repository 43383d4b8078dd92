import type { RequestView } from '@busbar/api-schema';
import { useDisplay } from '../display.js';
import { formatClock } from '../format/format-time.js';
import { type ChainLook, type ChainStep, chainSteps } from './chain-steps.js';
import { endWords } from './end-words.js';

export const CHAIN_SHAPES: Readonly<Record<ChainLook, string>> = {
  done: 'done',
  current: 'pending',
  todo: 'todo',
  skipped: 'idle',
  refused: 'bad',
  failed: 'bad',
  expired: 'idle',
  unknown: 'unknown',
};

export interface RequestChainProps {
  readonly request: RequestView;
  /** Words a value with its unit. */
  readonly wordValue: (value: number | string | boolean) => string;
}

/** Requested, granted, started, acknowledged, end: with the time of each, and what stopped it. */
export function RequestChain({ request, wordValue }: RequestChainProps) {
  const { t, zone } = useDisplay();
  const steps = chainSteps(request);
  const start = steps[0]?.at ?? null;
  return (
    <ol className="bb-chain" aria-label={t('chain.label')}>
      {steps.map((step) => (
        <li key={step.key} className={`look-${step.look}`} aria-current={step.look === 'current' ? 'step' : undefined}>
          <i className={`bb-shape ${CHAIN_SHAPES[step.look]}`} />
          <div>
            <div className="line">
              <b>{t(stepKey(step, request))}</b>
              {step.at !== null && <time>{formatClock(step.at, zone)}</time>}
              {step.at !== null && start !== null && step.key !== 'requested' && (
                <small>{t('chain.after', { s: ((step.at - start) / 1000).toFixed(3) })}</small>
              )}
            </div>
            {step.key === 'acknowledged' && step.look === 'done' && <DeviceAnswers request={request} />}
            {step.key === 'ended' && <EndOf request={request} wordValue={wordValue} />}
          </div>
        </li>
      ))}
    </ol>
  );
}

function stepKey(step: ChainStep, request: RequestView): string {
  if (step.key === 'ended' && request.end !== null) return `chain.end.${request.end.kind}`;
  return step.look === 'current' ? `chain.waiting.${step.key}` : `chain.${step.key}`;
}

function DeviceAnswers({ request }: { readonly request: RequestView }) {
  const { t } = useDisplay();
  const answers = request.results.filter((result) => result.answer !== undefined);
  if (answers.length === 0) return null;
  return <p>{t('chain.answer', { answer: answers.map((result) => result.answer).join('; ') })}</p>;
}

function EndOf({ request, wordValue }: RequestChainProps) {
  const display = useDisplay();
  if (request.end === null) return null;
  const words = endWords(request.end, display);
  const readBack = request.results.flatMap((result) => (result.readBack === undefined ? [] : [result.readBack]));
  return (
    <div role="status">
      <p>{words.sentence}</p>
      {!request.stages.some((stage) => stage.stage === 'acknowledged') && <DeviceAnswers request={request} />}
      {readBack.length > 0 && (
        <p>{display.t('chain.readBack', { value: readBack.map((value) => wordValue(value)).join(', ') })}</p>
      )}
      {words.fix !== '' && <p className="hint">{words.fix}</p>}
      {words.facts.length > 0 && (
        <dl className="bb-facts">
          {words.facts.map((fact) => (
            <div key={fact.name}>
              <dt>{fact.name}</dt>
              <dd>{fact.value}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}
