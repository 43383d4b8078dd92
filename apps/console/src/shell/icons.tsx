const line = { fill: 'none', stroke: 'currentColor', strokeWidth: 1.5, strokeLinecap: 'round' as const };

export function PointsIcon() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M2 4h12M2 8h12M2 12h7" {...line} />
    </svg>
  );
}

export function ConnectionsIcon() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M2 8h12M4.5 8V4M8 8v4M11.5 8V4" {...line} />
      <circle cx="4.5" cy="3" r="1.25" {...line} />
      <circle cx="11.5" cy="3" r="1.25" {...line} />
      <circle cx="8" cy="13" r="1.25" {...line} />
    </svg>
  );
}

export function RequestsIcon() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M2 4h6M12 4h2M2 11h2M8 11h6" {...line} />
      <circle cx="10" cy="4" r="1.75" {...line} />
      <circle cx="6" cy="11" r="1.75" {...line} />
    </svg>
  );
}

export function FiguresIcon() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M2 14h12M3.5 11.5V8.5M6.5 11.5V4M9.5 11.5V6.5M12.5 11.5V2.5" {...line} />
    </svg>
  );
}

export function FilesIcon() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M4 1.75h5l3.25 3.25v9.25H4zM9 1.75V5h3.25M6.25 8h3.75M6.25 11h3.75" {...line} />
    </svg>
  );
}

export function CloseIcon() {
  return (
    <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
      <path d="M3 3l10 10M13 3 3 13" {...line} />
    </svg>
  );
}

export function ChevronIcon({ open }: { readonly open: boolean }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="12"
      height="12"
      aria-hidden="true"
      style={{ transform: open ? 'rotate(90deg)' : '' }}
    >
      <path d="M6 3l5 5-5 5" {...line} />
    </svg>
  );
}

export function Wordmark() {
  return (
    <span className="wordmark">
      <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
        <rect width="16" height="16" rx="3" fill="var(--bb-primary)" />
        <path d="M3 8h10M5 4v8M8 4v8M11 4v8" stroke="#fff" strokeWidth="1.4" />
      </svg>
      Busbar
    </span>
  );
}
