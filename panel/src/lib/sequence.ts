/** Differences of two sequences: the longest common subsequence. Pure. */

export interface Piece {
  op: "same" | "added" | "removed";
  text: string;
}

/** Compare item by item; null when there are more than `most` on a side. */
export function compareSequences(before: string[], after: string[], most: number): Piece[] | null {
  if (before.length > most || after.length > most) return null;
  const width = after.length + 1;
  const common = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i * width + j] = before[i] === after[j]
        ? (common[(i + 1) * width + j + 1] as number) + 1
        : Math.max(common[(i + 1) * width + j] as number, common[i * width + j + 1] as number);
    }
  }
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      pieces.push({ op: "same", text: before[i] as string });
      i++;
      j++;
    } else if (j >= after.length || (i < before.length && (common[(i + 1) * width + j] as number) >= (common[i * width + j + 1] as number))) {
      pieces.push({ op: "removed", text: before[i++] as string });
    } else {
      pieces.push({ op: "added", text: after[j++] as string });
    }
  }
  return pieces;
}
