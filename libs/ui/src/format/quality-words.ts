import { type Quality, qualityLevel, qualityReason } from '@busbar/model';
import type { Translate } from '../display.js';

/** `bad: not connected`. */
export function qualityWords(quality: Quality, t: Translate): string {
  const level = t(`quality.${qualityLevel(quality)}`);
  const reason = qualityReason(quality);
  return reason === 'none' ? level : t('quality.withReason', { level, reason: t(`reason.${reason}`) });
}
