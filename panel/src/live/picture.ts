/** The live picture as the panel keeps it: what the stream says, folded into a list of calls. Pure. */

export type Phase = "greeting" | "listening" | "endpointing" | "thinking" | "speaking" | "ending";
export type Stage = "endpoint" | "asr" | "search" | "answer" | "tts";

export const STAGES: readonly Stage[] = ["endpoint", "asr", "search", "answer", "tts"];

export interface LiveTurn {
  speaker: "user" | "bot";
  text: string;
  at: number;
  kb: "general" | "tech" | null;
  known: boolean | null;
  cut: boolean;
  ms: Record<string, number>;
}

/** Times are seconds since the epoch, by the bot's clock. */
export interface LiveCall {
  id: string;
  caller: string;
  kind: "phone" | "browser" | "simulated";
  started_at: number;
  phase: Phase;
  phase_since: number;
  caller_speaks: boolean;
  bot_speaks: boolean;
  partial: string;
  stage: Stage | null;
  stage_since: number;
  stages: Record<string, number>;
  turns: LiveTurn[];
}

export interface LivePicture {
  /** `waiting`: not heard of the bot yet; `lost`: it was there, or the API cannot reach it. */
  link: "waiting" | "open" | "lost";
  calls: LiveCall[];
  /** The bot's clock less the viewer's, seconds. */
  skew_s: number;
  /** Counts calls that have ended: lists of finished calls are read again when it changes. */
  ended: number;
}

export const NOTHING: LivePicture = { link: "waiting", calls: [], skew_s: 0, ended: 0 };

export interface LiveMessage {
  name: string;
  document: Record<string, unknown>;
}

/** Fold one event of `GET /api/live` into the picture; `now_s` is the viewer's clock. */
export function fold(picture: LivePicture, message: LiveMessage, now_s: number): LivePicture {
  const { name, document } = message;
  const skew_s = typeof document.now === "number" ? document.now - now_s : picture.skew_s;
  switch (name) {
    case "snapshot":
      return { ...picture, link: "open", skew_s, calls: (document.calls as LiveCall[]) ?? [] };
    case "call": {
      const call = document.call as LiveCall;
      const others = picture.calls.filter(({ id }) => id !== call.id);
      const known = others.length < picture.calls.length;
      const calls = known ? picture.calls.map((old) => (old.id === call.id ? call : old)) : [...others, call];
      return { ...picture, link: "open", skew_s, calls };
    }
    case "ended": {
      const calls = picture.calls.filter(({ id }) => id !== document.id);
      return { ...picture, link: "open", skew_s, calls, ended: picture.ended + 1 };
    }
    case "lost":
      return { ...picture, link: "lost", calls: [] };
    default:
      return picture;
  }
}
