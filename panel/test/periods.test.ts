import { expect, test } from "vitest";
import { clockOf } from "~/lib/clock";
import { periodOf, presetOf } from "~/lib/periods";

const MARCH_1 = new Date(2026, 2, 1, 0, 5);

test("periods end today and count it", () => {
  expect(periodOf("today", MARCH_1)).toEqual({ from: "2026-03-01", to: "2026-03-01" });
  expect(periodOf("yesterday", MARCH_1)).toEqual({ from: "2026-02-28", to: "2026-02-28" });
  expect(periodOf("week", MARCH_1)).toEqual({ from: "2026-02-23", to: "2026-03-01" });
  expect(periodOf("month", MARCH_1)).toEqual({ from: "2026-01-31", to: "2026-03-01" });
});

test("today is the service's", () => {
  const said_at_ms = new Date(2026, 2, 1, 14, 0).getTime();
  expect(periodOf("today", clockOf("2026-03-02T00:01:00", said_at_ms, said_at_ms + 5000)).from).toBe("2026-03-02");
  expect(periodOf("today", clockOf("2026-02-28T23:59:58", said_at_ms, said_at_ms + 5000)).from).toBe("2026-03-01");
  expect(clockOf("", 0, said_at_ms).getTime()).toBe(said_at_ms);
});

test("a period is known by its days", () => {
  expect(presetOf({ from: "2026-02-28", to: "2026-02-28" }, MARCH_1)).toBe("yesterday");
  expect(presetOf({ from: "2026-02-27", to: "2026-02-28" }, MARCH_1)).toBeNull();
});
