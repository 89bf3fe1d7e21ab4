import { PlayQueue } from "./play-queue";

type Order = { sound: Int16Array } | { mark: number } | { flush: true };

/** Plays what is posted to it; posts the marks that have been reached, and whether it sounds. */
class Speaker extends AudioWorkletProcessor {
  private readonly queue = new PlayQueue();

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<Order>) => {
      if ("sound" in data) this.queue.push(data.sound);
      else if ("mark" in data) this.queue.mark(data.mark);
      else this.queue.flush();
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0]?.[0];
    if (out) for (const mark of this.queue.pull(out)) this.port.postMessage(mark);
    return true;
  }
}

registerProcessor("speaker", Speaker);
