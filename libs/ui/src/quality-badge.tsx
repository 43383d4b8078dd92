import { GOOD, type Quality, qualityLevel } from '@busbar/model';
import { useDisplay } from './display.js';
import { qualityWords } from './format/quality-words.js';

/** Shape and word; nothing when good, unless asked. */
export function QualityBadge({ quality, always = false }: { readonly quality: Quality; readonly always?: boolean }) {
  const { t } = useDisplay();
  if (quality === GOOD && !always) return null;
  const level = qualityLevel(quality);
  return (
    <span className={`bb-badge state-${level}`}>
      <i className={`bb-shape ${level}`} />
      {qualityWords(quality, t)}
    </span>
  );
}
