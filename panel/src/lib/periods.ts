/** Named stretches of days up to today, as the local calendar has them. Pure: `today` comes in. */

export type Preset = "today" | "yesterday" | "week" | "month";

export const PRESETS: readonly Preset[] = ["today", "yesterday", "week", "month"];

export interface Period {
  from: string;
  to: string;
}

/** `week` and `month` are the last 7 and 30 days, today among them. */
export function periodOf(preset: Preset, today: Date): Period {
  switch (preset) {
    case "today":
      return { from: dayText(today), to: dayText(today) };
    case "yesterday":
      return { from: dayText(daysBefore(today, 1)), to: dayText(daysBefore(today, 1)) };
    case "week":
      return { from: dayText(daysBefore(today, 6)), to: dayText(today) };
    case "month":
      return { from: dayText(daysBefore(today, 29)), to: dayText(today) };
  }
}

/** Which preset a period is, if any. */
export function presetOf(period: Period, today: Date): Preset | null {
  return PRESETS.find((preset) => {
    const { from, to } = periodOf(preset, today);
    return from === period.from && to === period.to;
  }) ?? null;
}

export function daysBefore(day: Date, days: number): Date {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - days);
}

/** `2026-03-01` of a local date. */
export function dayText(day: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
