import { expect, test } from "vitest";
import { periodOf, presetOf } from "~/lib/periods";

const MARCH_1 = new Date(2026, 2, 1, 0, 5);

test("periods end today and count it", () => {
  expect(periodOf("today", MARCH_1)).toEqual({ from: "2026-03-01", to: "2026-03-01" });
  expect(periodOf("yesterday", MARCH_1)).toEqual({ from: "2026-02-28", to: "2026-02-28" });
  expect(periodOf("week", MARCH_1)).toEqual({ from: "2026-02-23", to: "2026-03-01" });
  expect(periodOf("month", MARCH_1)).toEqual({ from: "2026-01-31", to: "2026-03-01" });
});

test("a period is known by its days", () => {
  expect(presetOf({ from: "2026-02-28", to: "2026-02-28" }, MARCH_1)).toBe("yesterday");
  expect(presetOf({ from: "2026-02-27", to: "2026-02-28" }, MARCH_1)).toBeNull();
});
