import type { components } from "~/api/schema";

type StageDay = components["schemas"]["StageDay"];

/** One stage's figures by day, null on days without. Pure. */
export function stageTrend(trend: readonly StageDay[], stage: string, days: readonly string[]): (StageDay | null)[] {
  const own = new Map(trend.filter((point) => point.stage === stage).map((point) => [point.day, point]));
  return days.map((day) => own.get(day) ?? null);
}
