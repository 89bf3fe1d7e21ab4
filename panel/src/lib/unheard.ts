/** What of a planned reply the caller did not hear, because he interrupted. Pure. */
export function unheard(planned: string | null | undefined, heard: string): string {
  if (!planned) return "";
  const said = heard.trim();
  const whole = planned.trim();
  if (whole.startsWith(said)) return whole.slice(said.length).trim();
  // The two may differ in spaces and in `|`: skip as many words as were heard.
  const words = whole.replaceAll("|", " ").split(/\s+/);
  return words.slice(said.split(/\s+/).filter(Boolean).length).join(" ");
}

/** Words that are not over yet, with one ellipsis behind them. */
export function trailing(text: string): string {
  return `${text.replace(/[\s.…]+$/, "")}…`;
}
