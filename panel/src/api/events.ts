import { keyedFetch } from "./client";
import { EventParser, type ServerEvent } from "./event-parser";

/** Read a stream to its end. EventSource could not send the key. Rejects when it breaks or is refused. */
export async function readEvents(path: string, signal: AbortSignal, onEvent: (event: ServerEvent) => void): Promise<void> {
  const request = new Request(new URL(path, location.origin), { signal, headers: { Accept: "text/event-stream" } });
  const response = await keyedFetch(request);
  if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
  const parser = new EventParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.push(value).forEach(onEvent);
  }
}
