import { useEffect, useState } from "react";
import type { Tagged } from "~/api/client";

/** What edits are made over: what was read last, but as long as there are edits, what they began with. */
export function useOver<T>(read: Tagged<T>, edited: boolean): [Tagged<T>, (over: Tagged<T>) => void] {
  const [over, setOver] = useState(read);
  useEffect(() => {
    if (!edited) setOver(read);
  }, [read, edited]);
  return [over, setOver];
}
