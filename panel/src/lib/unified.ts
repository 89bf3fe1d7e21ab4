/** Lines of a unified diff, for showing. Pure. */

export interface DiffLine {
  op: "same" | "added" | "removed" | "place";
  text: string;
}

/** Cut a unified diff into lines; the two file names on top are left out. */
export function readUnified(diff: string): DiffLine[] {
  if (!diff) return [];
  return diff
    .replace(/\n$/, "")
    .split("\n")
    .filter((line, index) => !(index < 2 && /^(---|\+\+\+) /.test(line)) && !line.startsWith("\\"))
    .map((line) => {
      if (line.startsWith("@@")) return { op: "place", text: line };
      if (line.startsWith("+")) return { op: "added", text: line.slice(1) };
      if (line.startsWith("-")) return { op: "removed", text: line.slice(1) };
      return { op: "same", text: line.slice(1) };
    });
}
