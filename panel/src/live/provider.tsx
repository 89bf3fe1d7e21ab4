import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import { NOTHING, type LivePicture } from "./picture";
import { followLive } from "./sharing";

const LiveContext = createContext<LivePicture>(NOTHING);

/** Keeps the live picture for the whole panel. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [picture, show] = useState(NOTHING);
  useEffect(() => followLive(show), []);
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
