/** The live picture as the panel keeps it: what the stream of `GET /api/live` says, folded. Pure. */

import type { components } from "~/api/schema";

export type LiveCall = components["schemas"]["LiveCallView"];
export type Phase = LiveCall["phase"];
export type Stage = NonNullable<LiveCall["stage"]>;

export const STAGES: readonly Stage[] = ["endpoint", "asr", "search", "answer", "tts"];

export interface Bot {
  ok: boolean;
  detail: string;
}

/** Times in it are seconds since the epoch, by the bot's clock. */
export interface LivePicture {
  /** `waiting`: nothing heard yet; `lost`: the API does not answer. */
  link: "waiting" | "open" | "lost";
  bots: Record<string, Bot>;
  /** In the order in which they began; `bot` says which one has it. */
  calls: (LiveCall & { bot: string })[];
  /** The server's clock less the viewer's, seconds. */
  skew_s: number;
  /** Counts calls that have ended, and times when some may have ended unseen: lists of finished calls are read again when it changes. */
  ended: number;
}

export const NOTHING: LivePicture = { link: "waiting", bots: {}, calls: [], skew_s: 0, ended: 0 };

export interface LiveMessage {
  name: string;
  document: Record<string, unknown>;
}

/** Fold one event into the picture; `now_s` is the viewer's clock. */
export function fold(picture: LivePicture, message: LiveMessage, now_s: number): LivePicture {
  const { name, document } = message;
  const bot = String(document.bot ?? "");
  const skew_s = typeof document.now === "number" ? document.now - now_s : picture.skew_s;
  const open: LivePicture = { ...picture, link: "open", skew_s };
  const others = picture.calls.filter((call) => call.bot !== bot);
  switch (name) {
    case "bot": {
      const { ok, detail } = document as unknown as Bot;
      return { ...open, bots: { ...picture.bots, [bot]: { ok, detail } }, calls: ok ? picture.calls : others };
    }
    case "snapshot": {
      const calls = (document.calls as LiveCall[]).map((call) => ({ ...call, bot }));
      return { ...open, calls: [...others, ...calls].sort((a, b) => a.started_at - b.started_at) };
    }
    case "call": {
      const call = { ...(document.call as LiveCall), bot };
      const known = picture.calls.some(({ id }) => id === call.id);
      return { ...open, calls: known ? picture.calls.map((old) => (old.id === call.id ? call : old)) : [...picture.calls, call] };
    }
    case "ended":
      return { ...open, calls: picture.calls.filter(({ id }) => id !== document.id), ended: picture.ended + 1 };
    case "picture": {
      // Another tab's: it may have seen calls end that this one has not.
      const whole = document as unknown as LivePicture;
      const over = picture.calls.some(({ id }) => !whole.calls.some((call) => call.id === id));
      return { ...whole, ended: picture.ended + (over ? 1 : 0) };
    }
    case "resumed":
      return { ...picture, ended: picture.ended + 1 };
    case "lost":
      return { ...picture, link: "lost", calls: [] };
    default:
      return picture;
  }
}
