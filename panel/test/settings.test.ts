import { expect, test } from "vitest";
import type { SettingValue, Variable } from "~/api/client";
import { changedByOthers, matches, withChange, without, wrong } from "~/pages/settings/draft";

const PAUSE: Variable = {
  name: "TURN_PAUSE_MS", label: "Пауза в конце реплики", kind: "integer", unit: "мс", default: 600, minimum: 100, maximum: 2000,
  minimum_excluded: false, maximum_excluded: true, choices: [], accepted: "целое число от 100 до 2000 мс", optional: false, needs_restart: false,
};
const NOW: SettingValue = { value: 600, origin: "default", is_set: false, pending: false, tag: "a1" };

test("a change that comes back to what is in force is none", () => {
  const changed = withChange({}, PAUSE.name, 700, NOW);
  expect(changed).toEqual({ TURN_PAUSE_MS: 700 });
  expect(withChange(changed, PAUSE.name, 600, NOW)).toEqual({});
});

test("a secret is removed, and one that is not set has nothing to remove", () => {
  const secret = { ...NOW, value: null, is_set: true };
  expect(withChange({}, "KEY", null, secret)).toEqual({ KEY: null });
  expect(withChange({ KEY: null }, "KEY", undefined, secret)).toEqual({});
  expect(withChange({}, "KEY", null, { ...secret, is_set: false })).toEqual({});
  expect(withChange({ KEY: "a" }, "KEY", undefined, secret)).toEqual({});
});

test("a setting of the file goes back to its default", () => {
  expect(withChange({}, PAUSE.name, null, { ...NOW, value: 700, origin: "file", is_set: true })).toEqual({ TURN_PAUSE_MS: null });
  expect(withChange({ TURN_PAUSE_MS: 700 }, PAUSE.name, null, NOW)).toEqual({});
});

test("a number out of its range is told before it is sent", () => {
  expect([99, 100, 1999, 2000, "", null].map((value) => wrong(PAUSE, value))).toEqual(["range", null, null, "range", "required", null]);
});

test("a setting is found by its name, its words and its group's", () => {
  expect(matches(PAUSE, "Чья очередь говорить", "пауза очередь")).toBe(true);
  expect(matches(PAUSE, "Чья очередь говорить", "turn_pause")).toBe(true);
  expect(matches(PAUSE, "Чья очередь говорить", "голос")).toBe(false);
});

test("only what others have changed to something else is a conflict", () => {
  const theirs = { ...NOW, value: 900, tag: "b2" };
  const secret = { ...NOW, value: null };
  const over = { PAUSE: NOW, OTHER: NOW, KEY: secret };
  expect(changedByOthers({ PAUSE: 700, OTHER: 700 }, over, { ...over, PAUSE: theirs })).toEqual(["PAUSE"]);
  expect(changedByOthers({ PAUSE: 900 }, over, { ...over, PAUSE: theirs })).toEqual([]);
  expect(changedByOthers({ OTHER: 700 }, over, { ...over, PAUSE: theirs })).toEqual([]);
  expect(changedByOthers({ KEY: "x" }, over, { ...over, KEY: { ...secret, tag: "b2" } })).toEqual(["KEY"]);
  expect(without({ PAUSE: 700, OTHER: 700 }, ["PAUSE"])).toEqual({ OTHER: 700 });
});
