export interface Heading {
  /** Counted from 1. */
  line: number;
  level: number;
  title: string;
}

/** The headings of a Markdown text, those within code blocks left out. Pure. */
export function headingsOf(text: string): Heading[] {
  const found: Heading[] = [];
  let fenced = false;
  text.split("\n").forEach((line, index) => {
    if (/^\s{0,3}(```|~~~)/.test(line)) fenced = !fenced;
    const match = fenced ? null : /^ {0,3}(#{1,6})\s+(.+?)\s*#*\s*$/.exec(line);
    if (match?.[1] && match[2]) found.push({ line: index + 1, level: match[1].length, title: match[2] });
  });
  return found;
}
