/** A text chat over `/ws?format=json`, folded. Pure. */

export interface ChatTurn {
  speaker: "user" | "bot";
  text: string;
  kb?: "general" | "tech" | null;
  known?: boolean | null;
  ms?: Record<string, number>;
  /** The answer still comes. */
  open: boolean;
}

export type ChatMessage =
  | { type: "begin" }
  | { type: "asked"; text: string }
  | { type: "greeting" | "text" | "error"; text: string }
  | { type: "answered"; kb: "general" | "tech" | null; known: boolean; ms: Record<string, number> };

export function foldChat(turns: ChatTurn[], message: ChatMessage): ChatTurn[] {
  const last = turns.at(-1);
  switch (message.type) {
    case "begin":
      return [];
    case "asked":
      return [...turns, { speaker: "user", text: message.text, open: false }, { speaker: "bot", text: "", open: true }];
    case "greeting":
      return [...turns, { speaker: "bot", text: message.text, open: false }];
    case "text":
    case "error":
      if (!last?.open) return [...turns, { speaker: "bot", text: message.text, open: false }];
      return [...turns.slice(0, -1), { ...last, text: last.text + message.text, open: message.type === "text" }];
    case "answered":
      if (!last?.open) return turns;
      return [...turns.slice(0, -1), { ...last, kb: message.kb, known: message.known, ms: message.ms, open: false }];
    default:
      return turns;
  }
}
