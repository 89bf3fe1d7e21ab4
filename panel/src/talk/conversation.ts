/** What a call from the browser looks like to who makes it: the messages of /api/talk, folded. Pure. */

import type { Phase, Stage } from "~/live/picture";
import { STAGES } from "~/live/picture";

export interface SaidTurn {
  speaker: "user" | "bot";
  text: string;
  planned?: string;
  cut?: boolean;
  kb?: "general" | "tech" | null;
  known?: boolean | null;
  ms: Record<string, number>;
}

export interface Conversation {
  callId: string | null;
  phase: Phase;
  callerSpeaks: boolean;
  botSpeaks: boolean;
  partial: string;
  turns: SaidTurn[];
  stages: Record<string, number>;
  stage: Stage | null;
  /** Why it is over; null while it goes on. */
  ended: string | null;
  error: string;
}

export const SILENCE: Conversation = {
  callId: null, phase: "greeting", callerSpeaks: false, botSpeaks: false, partial: "", turns: [], stages: {}, stage: null,
  ended: null, error: "",
};

export type TalkMessage =
  | { type: "started"; call_id: string }
  | ({ type: "turn" } & SaidTurn)
  | { type: "state"; phase: Phase; caller_speaks: boolean; bot_speaks: boolean }
  | { type: "partial"; text: string }
  | { type: "stage"; stage: Stage; ms: number }
  | { type: "ended"; reason: string }
  | { type: "error"; detail: string }
  | { type: "begin" };

export function foldTalk(now: Conversation, message: TalkMessage): Conversation {
  switch (message.type) {
    case "begin":
      return SILENCE;
    case "started":
      return { ...now, callId: message.call_id };
    case "state": {
      const pauseBegins = message.phase === "endpointing" && now.phase !== "endpointing";
      const idle = message.phase === "listening" || message.phase === "speaking";
      return {
        ...now,
        phase: message.phase,
        callerSpeaks: message.caller_speaks,
        botSpeaks: message.bot_speaks,
        stages: pauseBegins ? {} : now.stages,
        stage: pauseBegins ? "endpoint" : idle ? null : now.stage,
      };
    }
    case "partial":
      return { ...now, partial: message.text };
    case "stage":
      return {
        ...now,
        stages: { ...now.stages, [message.stage]: message.ms },
        stage: STAGES[STAGES.indexOf(message.stage) + 1] ?? null,
      };
    case "turn": {
      const { type: _, ...turn } = message;
      return turn.text ? { ...now, partial: turn.speaker === "user" ? "" : now.partial, turns: [...now.turns, turn] } : now;
    }
    case "ended":
      return { ...now, ended: message.reason, partial: "", stage: null, botSpeaks: false, callerSpeaks: false };
    case "error":
      return { ...now, error: message.detail };
    default:
      return now;
  }
}
