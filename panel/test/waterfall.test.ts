import { expect, test } from "vitest";
import { waterfall } from "~/lib/waterfall";

const HEARD = { endpoint: 600, asr: 300, asr_wait: 50 };

test("stages follow one another and end at the response", () => {
  const chart = waterfall(HEARD, { embed: 10, search: 5, first_token: 200, tts_first_audio: 80, response: 950 });
  expect(chart?.bars).toEqual([
    { stage: "endpoint", from_ms: 0, to_ms: 600 },
    { stage: "asr", from_ms: 350, to_ms: 650 },
    { stage: "search", from_ms: 655, to_ms: 670 },
    { stage: "answer", from_ms: 670, to_ms: 870 },
    { stage: "tts", from_ms: 870, to_ms: 950 },
  ]);
  expect(chart?.from_ms).toBe(0);
});

test("work done while the caller spoke lies before the end of speech", () => {
  const chart = waterfall({ endpoint: 100 }, { first_token: 400, tts_first_audio: 50, response: 150 });
  expect(chart?.bars.find(({ stage }) => stage === "answer")).toEqual({ stage: "answer", from_ms: -300, to_ms: 100 });
  expect(chart?.from_ms).toBe(-300);
});

test("a turn without measurements has no waterfall", () => {
  expect(waterfall(HEARD, {})).toBeNull();
});
