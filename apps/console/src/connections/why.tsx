import type { ConnectionView } from '@busbar/api-schema';
import { type DiagnosisLike, diagnosisWords, useDisplay } from '@busbar/ui';

/** Why, and what to do next; nothing when well. */
export function Why({ diagnosis }: { readonly diagnosis: DiagnosisLike | null }) {
  const display = useDisplay();
  if (diagnosis === null) return null;
  const words = diagnosisWords(diagnosis, display);
  return (
    <span className="why" title={diagnosis.code}>
      <span>{words.sentence}</span> <span className="meta">{words.fix}</span>
    </span>
  );
}

/** That of the connection itself, else of its first device in trouble. */
export function worstDiagnosis(connection: Pick<ConnectionView, 'diagnosis' | 'devices'>): DiagnosisLike | null {
  if (connection.diagnosis !== null) return connection.diagnosis;
  return connection.devices.find((device) => device.diagnosis !== null)?.diagnosis ?? null;
}
