import { Notice, useDisplay } from '@busbar/ui';
import { Button } from 'antd';
import { faultDetails, faultWords } from './fault-words.js';

/** An error in the place of what could not be had. */
export function FaultNotice({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const display = useDisplay();
  const words = faultWords(error, display);
  return (
    <Notice
      kind="error"
      message={words.sentence}
      hint={words.fix}
      details={faultDetails(error)}
      actions={onRetry === undefined ? undefined : <Button onClick={onRetry}>{display.t('action.retry')}</Button>}
    />
  );
}
