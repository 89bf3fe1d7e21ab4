import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = [
  "#f1f2fd", "#e0e2f8", "#bfc3ef", "#9ba1e6", "#7c84de", "#656dd6", "#4f56c8", "#4248ad", "#363b90", "#2a2e72",
];
const gray: MantineColorsTuple = [
  "#f8f9fa", "#f2f3f5", "#e8eaed", "#dcdfe3", "#c3c8cf", "#9aa1ab", "#6a727d", "#4b525c", "#30363e", "#1a1e24",
];
const dark: MantineColorsTuple = [
  "#d7dae0", "#b4b9c2", "#959ca7", "#6b727e", "#3a3f48", "#2c3038", "#20242a", "#181b20", "#131519", "#0e1013",
];

export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: 6,
  colors: { accent, gray, dark },
  fontFamily: 'Inter, "Segoe UI", system-ui, -apple-system, Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "JetBrains Mono", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  defaultRadius: 6,
  cursorType: "pointer",
  respectReducedMotion: true,
  headings: { fontWeight: "600", sizes: { h1: { fontSize: "1.125rem" }, h2: { fontSize: "0.9375rem" } } },
  components: {
    Button: { defaultProps: { size: "xs" } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray", size: "md" } },
    TextInput: { defaultProps: { size: "xs" } },
    PasswordInput: { defaultProps: { size: "xs" } },
    NumberInput: { defaultProps: { size: "xs" } },
    Select: { defaultProps: { size: "xs", allowDeselect: false } },
    Textarea: { defaultProps: { size: "xs" } },
    Switch: { defaultProps: { size: "sm" } },
    SegmentedControl: { defaultProps: { size: "xs" } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: true, fz: "xs" } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4 } } },
    Tabs: { defaultProps: { variant: "default" } },
  },
});

/** Our own names for surfaces and signals; every pair of text and ground has a contrast of at least 4.5. */
export const variables: CSSVariablesResolver = () => ({
  variables: { "--row": "34px" },
  light: {
    "--mantine-color-body": "#ffffff",
    "--mantine-color-dimmed": "#5c646f",
    "--mantine-color-placeholder": "#6a727d",
    "--ground": "#f6f7f9",
    "--surface": "#ffffff",
    "--raised": "#fafbfc",
    "--hover": "#f1f3f6",
    "--chosen": "#eceefb",
    "--line": "#e4e7eb",
    "--line-strong": "#cfd4da",
    "--text": "#1a1e24",
    "--dim": "#5c646f",
    "--accent": "#4f56c8",
    "--accent-text": "#4248ad",
    "--ok": "#146238", "--ok-soft": "#e3f5ea",
    "--warn": "#8f5a00", "--warn-soft": "#fdf1d7",
    "--bad": "#b3261e", "--bad-soft": "#fce8e6",
    "--info": "#1d63b8", "--info-soft": "#e4effb",
    "--general": "#0b7575", "--general-soft": "#def3f2",
    "--tech": "#7a3fb0", "--tech-soft": "#f1e6fb",
    "--stage-endpoint": "#9aa4b2", "--stage-asr": "#3b82c4", "--stage-search": "#2a9d8f",
    "--stage-answer": "#7c6fd9", "--stage-tts": "#d98b3a",
  },
  dark: {
    "--mantine-color-body": "#181b20",
    "--mantine-color-dimmed": "#9aa2ad",
    "--mantine-color-placeholder": "#8b939e",
    "--ground": "#0f1114",
    "--surface": "#16191d",
    "--raised": "#1a1d22",
    "--hover": "#1f2328",
    "--chosen": "#24284a",
    "--line": "#272b31",
    "--line-strong": "#3a3f48",
    "--text": "#e3e6ea",
    "--dim": "#9aa2ad",
    "--accent": "#7c84de",
    "--accent-text": "#a6acf0",
    "--ok": "#6cd29a", "--ok-soft": "#16301f",
    "--warn": "#e6b450", "--warn-soft": "#33280f",
    "--bad": "#ff8f85", "--bad-soft": "#3a1a18",
    "--info": "#7db6f5", "--info-soft": "#152a42",
    "--general": "#5fd0cb", "--general-soft": "#10302f",
    "--tech": "#c79af2", "--tech-soft": "#2c1d3d",
    "--stage-endpoint": "#6b7684", "--stage-asr": "#5a9fe0", "--stage-search": "#46bfae",
    "--stage-answer": "#9a8df0", "--stage-tts": "#e6a55a",
  },
});
