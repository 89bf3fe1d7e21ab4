import { expect, test } from "vitest";
import { clock, makeFormats, plural } from "~/i18n/formats";
import { en } from "~/i18n/en";
import { ru } from "~/i18n/ru";
import { headingsOf } from "~/lib/headings";
import { unheard } from "~/lib/unheard";
import { readUnified } from "~/lib/unified";
import { compareLines, compareWords } from "~/lib/words";
import { niceTop } from "~/lib/scale";

test("Russian counts choose their form", () => {
  const calls = (n: number) => plural(n, "звонок", "звонка", "звонков");
  expect([0, 1, 2, 5, 11, 21, 104, 112].map(calls)).toEqual(["звонков", "звонок", "звонка", "звонков", "звонков", "звонок", "звонка", "звонков"]);
});

test("lengths are written as clocks", () => {
  expect([0, 9.4, 125, 3609].map(clock)).toEqual(["0:00", "0:09", "2:05", "1:00:09"]);
});

test("the server's local time is shown as it is", () => {
  const { dateTime, time } = makeFormats("ru");
  expect(time("2026-03-01T14:05:09")).toBe("14:05:09");
  expect(dateTime("2026-03-01T14:05:09.300")).toBe("1 мар. 2026, 14:05:09");
  expect(dateTime("когда-то")).toBe("когда-то");
});

test("both languages say the same things", () => {
  const shape = (value: unknown): unknown =>
    typeof value === "object" && value ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)])) : typeof value;
  expect(shape(en)).toEqual(shape(ru));
});

test("what was cut off is what follows the words heard", () => {
  expect(unheard("Мы на Ленина, пять. Вход со двора.", "Мы на Ленина,")).toBe("пять. Вход со двора.");
  expect(unheard("Да, конечно. | Записываю.", "Да, конечно. Запис-")).toBe("");
  expect(unheard(null, "Да.")).toBe("");
});

test("headings inside code are none", () => {
  expect(headingsOf("# А\n```\n# нет\n```\n## Б ##\n#не заголовок")).toEqual([
    { line: 1, level: 1, title: "А" },
    { line: 5, level: 2, title: "Б" },
  ]);
});

test("a unified diff is told line by line", () => {
  expect(readUnified("--- база\n+++ черновик\n@@ -1,2 +1,2 @@\n один\n-два\n+три\n")).toEqual([
    { op: "place", text: "@@ -1,2 +1,2 @@" },
    { op: "same", text: "один" },
    { op: "removed", text: "два" },
    { op: "added", text: "три" },
  ]);
  expect(readUnified("")).toEqual([]);
});

test("answers are compared word by word", () => {
  expect(compareWords("стоит от ста рублей", "стоит от двухсот рублей")).toEqual([
    { op: "same", text: "стоит от" },
    { op: "removed", text: "ста" },
    { op: "added", text: "двухсот" },
    { op: "same", text: "рублей" },
  ]);
});

test("texts are compared line by line", () => {
  expect(compareLines("один\nдва\nчетыре", "один\nтри\nчетыре")).toEqual([
    { op: "same", text: "один" },
    { op: "removed", text: "два" },
    { op: "added", text: "три" },
    { op: "same", text: "четыре" },
  ]);
  expect(compareLines("один", "один")).toEqual([]);
});

test("scales end at round numbers", () => {
  expect([1, 3, 14, 21, 100, 870, 1100].map(niceTop)).toEqual([1, 5, 20, 25, 100, 1000, 2000]);
});
