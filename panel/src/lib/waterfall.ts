/** One answer's time as bars on an axis whose zero is the end of the caller's speech. Pure. */

import type { Stage } from "~/live/picture";

export interface Bar {
  stage: Stage;
  /** Milliseconds after the end of speech; negative: work that was done while the caller still spoke. */
  from_ms: number;
  to_ms: number;
}

export interface Waterfall {
  bars: Bar[];
  /** End of speech to the first sound of the answer; null when it was not measured. */
  response_ms: number | null;
  from_ms: number;
  to_ms: number;
}

type Times = Readonly<Record<string, number>>;

/**
 * Lay out the stages of a reply. `heard` are the caller's turn's milliseconds (endpoint, asr, asr_wait), `said` those of
 * the bot's (embed, search, first_token, tts_first_audio, response).
 *
 * The call log holds lengths. Endpointing starts at zero; recognition ends when the turn is handed on; what follows ends
 * one after another at `response`, so that stages which began before the end of the turn reach to the left of it.
 */
export function waterfall(heard: Times, said: Times): Waterfall | null {
  const endpoint = heard.endpoint ?? 0;
  const handed = endpoint + (heard.asr_wait ?? 0);
  const after: [Stage, number | undefined][] = [
    ["search", sum(said.embed, said.search)],
    ["answer", said.first_token],
    ["tts", said.tts_first_audio],
  ];
  const known = after.filter((entry): entry is [Stage, number] => entry[1] !== undefined);
  const response = said.response ?? null;
  if (!known.length && response === null) return null;

  const bars: Bar[] = [];
  if (heard.endpoint !== undefined) bars.push({ stage: "endpoint", from_ms: 0, to_ms: endpoint });
  if (heard.asr !== undefined) bars.push({ stage: "asr", from_ms: handed - heard.asr, to_ms: handed });
  const length = known.reduce((total, [, ms]) => total + ms, 0);
  let at = response === null ? handed : response - length;
  for (const [stage, ms] of known) {
    bars.push({ stage, from_ms: at, to_ms: at + ms });
    at += ms;
  }
  return {
    bars,
    response_ms: response,
    from_ms: Math.min(0, ...bars.map((bar) => bar.from_ms)),
    to_ms: Math.max(response ?? 0, ...bars.map((bar) => bar.to_ms)),
  };
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);
}
