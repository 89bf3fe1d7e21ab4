import { expect, test } from "vitest";
import { isPressed } from "~/lib/hotkeys";

const NONE = { altKey: false, ctrlKey: false, metaKey: false, shiftKey: false };
const CTRL = { ...NONE, ctrlKey: true };

test("a hotkey is known by its character", () => {
  expect(isPressed("/", { ...NONE, key: "/", code: "Slash" })).toBe(true);
  expect(isPressed("/", { ...NONE, shiftKey: true, key: "/", code: "Digit7" })).toBe(true);
  expect(isPressed("mod+s", { ...CTRL, key: "s", code: "KeyS" })).toBe(true);
  expect(isPressed("mod+s", { ...NONE, metaKey: true, key: "S", code: "KeyS" })).toBe(true);
});

test("on a Russian layout it is known by its place", () => {
  expect(isPressed("/", { ...NONE, key: ".", code: "Slash" })).toBe(true);
  expect(isPressed("mod+s", { ...CTRL, key: "ы", code: "KeyS" })).toBe(true);
});

test("other keys are none, nor is another Latin letter in its place", () => {
  expect(isPressed("/", { ...NONE, shiftKey: true, key: ",", code: "Slash" })).toBe(false);
  expect(isPressed("/", { ...CTRL, key: "/", code: "Slash" })).toBe(false);
  expect(isPressed("/", { ...NONE, key: "z", code: "Slash" })).toBe(false);
  expect(isPressed("mod+s", { ...CTRL, key: "o", code: "KeyS" })).toBe(false);
  expect(isPressed("mod+s", { ...NONE, key: "ы", code: "KeyS" })).toBe(false);
  expect(isPressed("mod+s", { ...CTRL, shiftKey: true, key: "S", code: "KeyS" })).toBe(false);
});
