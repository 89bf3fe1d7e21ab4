/** Do something as long as the page is seen: its signal is aborted when the page is hidden; shown again, it begins `anew`. */
export function whileVisible(act: (signal: AbortSignal, anew: boolean) => void): () => void {
  let stopping: AbortController | null = null;
  let anew = false;
  const look = () => {
    if (document.visibilityState === "hidden") {
      stopping?.abort();
      stopping = null;
    } else if (!stopping) {
      stopping = new AbortController();
      act(stopping.signal, anew);
      anew = true;
    }
  };
  look();
  document.addEventListener("visibilitychange", look);
  return () => {
    document.removeEventListener("visibilitychange", look);
    stopping?.abort();
  };
}
