import type { CallSummary } from "~/api/client";

interface CallPage {
  items: CallSummary[];
  next_cursor?: string | null;
}

/**
 * Put a first page that was read again in the old one's place, with the pages after it left as they are. What it has
 * pushed off its end stays before them; what is no longer there is gone. Null: the rest does not go on from it. Pure.
 */
export function withFresh<P extends CallPage>(pages: readonly P[], fresh: P): P[] | null {
  const [first, ...rest] = pages;
  if (!first || !fresh.next_cursor) return [fresh];
  const known = new Set(fresh.items.map(({ id }) => id));
  const last = first.items.findLastIndex(({ id }) => known.has(id));
  if (last < 0) return null;
  const pushed = first.items.slice(last + 1);
  const items = [...fresh.items, ...pushed];
  const above = new Set(items.map(({ id }) => id));
  return [
    { ...fresh, items, next_cursor: first.next_cursor },
    ...rest.map((page) => ({ ...page, items: page.items.filter(({ id }) => !above.has(id)) })),
  ];
}
