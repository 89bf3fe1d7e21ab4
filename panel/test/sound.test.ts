import { expect, test } from "vitest";
import { Framer } from "~/talk/framer";
import { PlayQueue } from "~/talk/play-queue";

function pull(queue: PlayQueue, samples: number): { out: number[]; marks: number[] } {
  const out = new Float32Array(samples);
  const marks = queue.pull(out);
  return { out: [...out].map((value) => Math.round(value * 32_768)), marks };
}

test("a mark is told when all sound before it has been played", () => {
  const queue = new PlayQueue();
  queue.push(Int16Array.of(1, 2, 3));
  queue.mark(7);
  queue.push(Int16Array.of(4));
  expect(pull(queue, 2)).toEqual({ out: [1, 2], marks: [] });
  expect(pull(queue, 1)).toEqual({ out: [3], marks: [7] });
  expect(pull(queue, 2)).toEqual({ out: [4, 0], marks: [] });
});

test("a flush forgets the sound that waits and the marks in it", () => {
  const queue = new PlayQueue();
  queue.push(Int16Array.of(1, 2));
  queue.mark(1);
  pull(queue, 1);
  queue.flush();
  queue.mark(2);
  expect(pull(queue, 2)).toEqual({ out: [0, 0], marks: [2] });
});

test("the microphone's sound is cut into equal pieces and kept within 16 bits", () => {
  const framer = new Framer(2);
  expect(framer.push(Float32Array.of(2))).toEqual([]);
  expect(framer.push(Float32Array.of(-2, 0.5)).map((piece) => [...piece])).toEqual([[32_767, -32_767]]);
});
