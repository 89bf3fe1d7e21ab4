import { socketTo } from "~/api/socket";
import type { TalkMessage } from "./conversation";
import microphoneUrl from "./microphone.worklet.ts?worker&url";
import speakerUrl from "./speaker.worklet.ts?worker&url";

const RATES_HZ = [8000, 16_000, 24_000, 44_100, 48_000];
const SPEAKER_RATE_HZ = 8000;

/** Why a call could not begin: the viewer is told by this name. */
export class TalkError extends Error {
  constructor(readonly cause_name: "no_microphone" | "forbidden" | "insecure" | "unreachable") {
    super(cause_name);
  }
}

/** One call from the browser: microphone → /api/talk → speaker, as src/voxbot/media/browser.py describes it. */
export class TalkSession {
  private closed = false;

  private constructor(
    private readonly socket: WebSocket,
    private readonly input: AudioContext,
    private readonly output: AudioContext,
    private readonly microphone: MediaStream,
    private readonly speaker: AudioWorkletNode,
  ) {}

  /**
   * Begin a call; `tell` gets its messages, `level` how loud the microphone is, 0 to 1. Throws TalkError, KeyDeclined, and
   * when it is `given_up` meanwhile its reason: then nothing of the call is left, whatever it was waiting for.
   */
  static async begin(tell: (message: TalkMessage) => void, level: (value: number) => void, given_up: AbortSignal): Promise<TalkSession> {
    const microphone = await openMicrophone();
    const usual = new AudioContext();
    const rated = RATES_HZ.includes(usual.sampleRate) ? usual : new AudioContext({ sampleRate: 48_000 });
    if (rated !== usual) void usual.close();
    const output = new AudioContext({ sampleRate: SPEAKER_RATE_HZ });
    let socket: WebSocket | undefined;
    try {
      given_up.throwIfAborted();
      await Promise.all([rated.audioWorklet.addModule(microphoneUrl), output.audioWorklet.addModule(speakerUrl)]);
      given_up.throwIfAborted();
      socket = await socketTo(`/api/talk?callerId=panel&rate=${rated.sampleRate}`);
      given_up.throwIfAborted();
      const speaker = new AudioWorkletNode(output, "speaker", { outputChannelCount: [1] });
      speaker.connect(output.destination);
      const session = new TalkSession(socket, rated, output, microphone, speaker);
      session.wire(tell, level);
      return session;
    } catch (error) {
      socket?.close();
      microphone.getTracks().forEach((track) => track.stop());
      void rated.close();
      void output.close();
      throw error;
    }
  }

  /** Press a key of the telephone. */
  press(digit: string): void {
    this.say({ type: "digit", digit });
  }

  hangUp(): void {
    this.say({ type: "hangup" });
  }

  /** Let go of the microphone and the speaker; sound that is still to come is not heard. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.microphone.getTracks().forEach((track) => track.stop());
    this.socket.close();
    void this.input.close();
    void this.output.close();
  }

  private wire(tell: (message: TalkMessage) => void, level: (value: number) => void): void {
    const { socket, speaker } = this;
    const source = this.input.createMediaStreamSource(this.microphone);
    const ear = new AudioWorkletNode(this.input, "microphone", { numberOfOutputs: 0 });
    source.connect(ear);
    ear.port.onmessage = ({ data }: MessageEvent<Int16Array<ArrayBuffer>>) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
      level(loudness(data));
    };
    speaker.port.onmessage = ({ data }: MessageEvent<number>) => this.say({ type: "mark", mark: data });
    let over = false;
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data !== "string") {
        const sound = new Int16Array(data);
        speaker.port.postMessage({ sound }, [sound.buffer]);
        return;
      }
      const message = JSON.parse(data) as TalkMessage | { type: "mark"; mark: number } | { type: "flush" };
      if (message.type === "mark") speaker.port.postMessage({ mark: message.mark });
      else if (message.type === "flush") speaker.port.postMessage({ flush: true });
      else {
        over ||= message.type === "ended" || message.type === "error";
        tell(message);
      }
    };
    socket.onclose = () => {
      if (!over) tell({ type: "ended", reason: "caller_hangup" });
      this.close();
    };
  }

  private say(message: object): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

async function openMicrophone(): Promise<MediaStream> {
  // Browsers hand out the microphone to https and to localhost only.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices) throw new TalkError("insecure");
  try {
    return await devices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 } });
  } catch (error) {
    throw new TalkError(error instanceof DOMException && error.name === "NotAllowedError" ? "forbidden" : "no_microphone");
  }
}

function loudness(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / samples.length) / 32_768;
  return rms > 0 ? Math.max(0, Math.min(1, 1 + Math.log10(rms) / 3)) : 0;
}
