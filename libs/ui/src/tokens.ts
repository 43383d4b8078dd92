/** Colors of the light scheme. Text and status colors reach 4.5:1 on both surfaces. */
export const LIGHT = {
  surface: '#F4F6F8',
  raised: '#FFFFFF',
  text: '#1A1D21',
  secondary: '#545C66',
  border: '#87909A',
  line: '#D9DEE3',
  hover: '#EEF1F6',
  selected: '#E3EAFB',
  good: '#0F6E84',
  uncertain: '#9B5208',
  bad: '#A3002B',
  idle: '#5C6670',
  primary: '#2F54C8',
} as const;

export type Palette = { readonly [Name in keyof typeof LIGHT]: string };

export const FONT = 'system-ui, "Segoe UI", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif';
export const MONO = 'ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace';

/** Pixels. */
export const ROW_HEIGHT = 28;
