/** Differences of two short texts, word by word: the longest common subsequence. Pure. */

export interface Piece {
  op: "same" | "added" | "removed";
  text: string;
}

const MOST_WORDS = 1500;

/** Compare; texts beyond MOST_WORDS words are told as one removed and one added whole. */
export function compareWords(before: string, after: string): Piece[] {
  const a = split(before);
  const b = split(after);
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) {
    return before === after ? [{ op: "same", text: before }] : [{ op: "removed", text: before }, { op: "added", text: after }];
  }
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j]
        ? (common[(i + 1) * width + j + 1] as number) + 1
        : Math.max(common[(i + 1) * width + j] as number, common[i * width + j + 1] as number);
    }
  }
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      push(pieces, "same", a[i] as string);
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && (common[(i + 1) * width + j] as number) >= (common[i * width + j + 1] as number))) {
      push(pieces, "removed", a[i++] as string);
    } else {
      push(pieces, "added", b[j++] as string);
    }
  }
  return pieces;
}

/** Words with the spaces that follow them. */
function split(text: string): string[] {
  return text.trim().match(/\S+/g) ?? [];
}

function push(pieces: Piece[], op: Piece["op"], word: string): void {
  const last = pieces.at(-1);
  if (last?.op === op) last.text += ` ${word}`;
  else pieces.push({ op, text: word });
}
