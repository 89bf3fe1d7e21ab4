/** Cuts a microphone's sound into pieces of equal length, 16 bit. Pure. */
export class Framer {
  private piece: Int16Array;
  private filled = 0;

  constructor(private readonly samples: number) {
    this.piece = new Int16Array(samples);
  }

  /** Take sound (-1 to 1); give the pieces that are complete. */
  push(sound: Float32Array): Int16Array[] {
    const complete: Int16Array[] = [];
    for (const value of sound) {
      this.piece[this.filled++] = Math.max(-1, Math.min(1, value)) * 32_767;
      if (this.filled === this.samples) {
        complete.push(this.piece);
        this.piece = new Int16Array(this.samples);
        this.filled = 0;
      }
    }
    return complete;
  }
}
