/** The sound that waits to be played, with marks in it: the browser's part of media/browser.py. Pure. */
export class PlayQueue {
  private items: (Int16Array | number)[] = [];
  private offset = 0;

  push(samples: Int16Array): void {
    if (samples.length) this.items.push(samples);
  }

  mark(mark: number): void {
    this.items.push(mark);
  }

  /** Forget the sound that waits, and the marks in it. */
  flush(): void {
    this.items = [];
    this.offset = 0;
  }

  /** Play into `out` (-1 to 1), silence where nothing waits; give the marks whose sound has been played before. */
  pull(out: Float32Array): number[] {
    const passed: number[] = [];
    let at = 0;
    while (this.items.length) {
      const item = this.items[0];
      if (typeof item === "number") {
        passed.push(item);
        this.items.shift();
        continue;
      }
      if (at === out.length || item === undefined) break;
      const piece = item.subarray(this.offset, this.offset + out.length - at);
      for (const sample of piece) out[at++] = sample / 32_768;
      this.offset += piece.length;
      if (this.offset === item.length) {
        this.items.shift();
        this.offset = 0;
      }
    }
    out.fill(0, at);
    return passed;
  }
}
