import { KeyDeclined } from "~/api/client";
import { readEvents } from "~/api/events";
import { whileVisible } from "~/lib/visible";
import { fold, NOTHING, type LiveMessage, type LivePicture } from "./picture";

const NAME = "voxbot-live";
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

type Said = { type: "message"; message: LiveMessage } | { type: "ask" } | { type: "picture"; picture: LivePicture };

/**
 * Keep up with the live picture while the page is seen.
 *
 * A browser opens six connections to a host (HTTP/1.1), so its tabs share one stream: the tab that holds the lock reads
 * it and tells the others. Where there are no locks (they take https or localhost), each tab that is seen has its own.
 */
export function followLive(show: (picture: LivePicture) => void): () => void {
  const channel = new BroadcastChannel(NAME);
  let picture = NOTHING;
  let leading = false;
  const say = (said: Said) => channel.postMessage(said);
  const take = (message: LiveMessage) => show((picture = fold(picture, message, Date.now() / 1000)));
  channel.onmessage = ({ data }: MessageEvent<Said>) => {
    if (leading) {
      if (data.type === "ask") say({ type: "picture", picture });
    } else if (document.visibilityState === "visible") {
      if (data.type === "message") take(data.message);
      if (data.type === "picture") take({ name: "picture", document: { ...data.picture } });
    }
  };
  const lead = async (signal: AbortSignal) => {
    const locks = navigator.locks as LockManager | undefined;
    if (!locks) return read(signal, take);
    const tell = (message: LiveMessage) => {
      take(message);
      say({ type: "message", message });
    };
    await locks
      .request(NAME, { signal }, async () => {
        if (signal.aborted) return;
        leading = true;
        try {
          // The lock is let go at once when the tab is hidden, whatever the reading waits for.
          await Promise.race([read(signal, tell), aborted(signal)]);
        } finally {
          leading = false;
        }
      })
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
  };
  const stop = whileVisible((signal, anew) => {
    if (anew) take({ name: "resumed", document: {} });
    say({ type: "ask" });
    void lead(signal);
  });
  return () => {
    stop();
    channel.close();
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Read the stream, and open it again when it breaks. */
async function read(signal: AbortSignal, tell: (message: LiveMessage) => void): Promise<void> {
  let wait_ms = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      await readEvents("/api/live", signal, ({ name, data }) => {
        if (signal.aborted) return;
        wait_ms = FIRST_WAIT_MS;
        tell({ name, document: JSON.parse(data) as Record<string, unknown> });
      });
    } catch (error) {
      if (error instanceof KeyDeclined) return signal.aborted ? undefined : tell({ name: "lost", document: {} });
    }
    if (signal.aborted) return;
    tell({ name: "lost", document: {} });
    await new Promise((resolve) => setTimeout(resolve, wait_ms));
    wait_ms = Math.min(wait_ms * 2, LONGEST_WAIT_MS);
  }
}
