/** Differences of two texts, word by word or line by line. Pure. */

import { compareSequences, type Piece } from "./sequence";

const MOST = 1500;

/** Compare; texts beyond MOST words are told as one removed and one added whole. */
export function compareWords(before: string, after: string): Piece[] {
  const pieces = compareSequences(split(before), split(after), MOST);
  if (!pieces) return whole(before, after);
  const joined: Piece[] = [];
  for (const { op, text } of pieces) {
    const last = joined.at(-1);
    if (last?.op === op) last.text += ` ${text}`;
    else joined.push({ op, text });
  }
  return joined;
}

/** Compare; equal texts have no lines to show, and texts beyond MOST lines are told as a whole. */
export function compareLines(before: string, after: string): Piece[] {
  if (before === after) return [];
  return compareSequences(before.split("\n"), after.split("\n"), MOST) ?? whole(before, after);
}

function whole(before: string, after: string): Piece[] {
  return before === after ? [{ op: "same", text: before }] : [{ op: "removed", text: before }, { op: "added", text: after }];
}

/** Words with the spaces that follow them. */
function split(text: string): string[] {
  return text.trim().match(/\S+/g) ?? [];
}
