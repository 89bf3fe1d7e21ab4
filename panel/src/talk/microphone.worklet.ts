import { Framer } from "./framer";

const PIECES_PER_S = 50;

/** Posts the microphone's sound as Int16Array pieces of 20 ms. */
class Microphone extends AudioWorkletProcessor {
  private readonly framer = new Framer(Math.round(sampleRate / PIECES_PER_S));

  process(inputs: Float32Array[][]): boolean {
    const sound = inputs[0]?.[0];
    if (sound) for (const piece of this.framer.push(sound)) this.port.postMessage(piece, [piece.buffer]);
    return true;
  }
}

registerProcessor("microphone", Microphone);
