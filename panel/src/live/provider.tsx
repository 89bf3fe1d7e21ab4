import { createContext, useContext, useEffect, useReducer, useState, type ReactNode } from "react";
import { KeyDeclined } from "~/api/client";
import { readEvents } from "~/api/events";
import { fold, NOTHING, type LiveMessage, type LivePicture } from "./picture";

const LiveContext = createContext<LivePicture>(NOTHING);

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/** Keeps one stream of the live picture for the whole panel, and opens it again when it breaks. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [picture, tell] = useReducer(
    (old: LivePicture, message: LiveMessage) => fold(old, message, Date.now() / 1000),
    NOTHING,
  );
  useEffect(() => {
    const stopping = new AbortController();
    void follow(stopping.signal, tell);
    return () => stopping.abort();
  }, []);
  return <LiveContext.Provider value={picture}>{children}</LiveContext.Provider>;
}

export function useLive(): LivePicture {
  return useContext(LiveContext);
}

/** The bot's clock in seconds, ticking while something is under way. */
export function useBotClock(ticking: boolean): number {
  const { skew_s } = useLive();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!ticking) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, [ticking]);
  return now / 1000 + skew_s;
}

async function follow(signal: AbortSignal, tell: (message: LiveMessage) => void): Promise<void> {
  let wait_ms = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      await readEvents("/api/live", signal, ({ name, data }) => {
        wait_ms = FIRST_WAIT_MS;
        tell({ name, document: JSON.parse(data) as Record<string, unknown> });
      });
    } catch (error) {
      if (error instanceof KeyDeclined) return tell({ name: "lost", document: {} });
    }
    if (signal.aborted) return;
    tell({ name: "lost", document: {} });
    await new Promise((resolve) => setTimeout(resolve, wait_ms));
    wait_ms = Math.min(wait_ms * 2, LONGEST_WAIT_MS);
  }
}
