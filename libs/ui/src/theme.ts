import { theme as antd, type ThemeConfig } from 'antd';
import { FONT, type Palette } from './tokens.js';

type Algorithm = Extract<ThemeConfig['algorithm'], (...args: never[]) => unknown>;

/** antd's tokens with our colors exactly as given: its own algorithms would dim them and shrink the text. */
export function consoleTheme(palette: Palette, reducedMotion: boolean): ThemeConfig {
  const status = {
    colorPrimary: palette.primary,
    colorLink: palette.primary,
    colorSuccess: palette.good,
    colorWarning: palette.uncertain,
    colorError: palette.bad,
    colorInfo: palette.primary,
  };
  const exact: Algorithm = (_seed, map) => {
    if (map === undefined) throw new TypeError('the exact algorithm follows another one');
    return {
      ...map,
      ...status,
      colorText: palette.text,
      colorTextSecondary: palette.secondary,
      colorTextTertiary: palette.secondary,
      colorTextQuaternary: palette.secondary,
      colorBorder: palette.border,
      colorBgLayout: palette.surface,
      colorBgContainer: palette.raised,
      colorBgSpotlight: palette.text,
      fontSizeSM: 12,
    };
  };
  return {
    algorithm: [antd.defaultAlgorithm, exact],
    token: {
      ...status,
      colorTextLightSolid: palette.raised,
      fontFamily: FONT,
      fontSize: 13,
      controlHeight: 28,
      borderRadius: 4,
      motion: !reducedMotion,
      boxShadow: 'none',
    },
  };
}
