// What an AudioWorkletGlobalScope has; TypeScript's DOM library leaves it out.
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

declare module "*?worker&url" {
  const url: string;
  export default url;
}
