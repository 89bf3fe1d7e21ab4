import type { ReactNode } from "react";
import { KbLabel, Tag } from "~/components/labels";
import { useSpeech } from "~/i18n";
import classes from "./bubble.module.css";

interface BubbleProps {
  speaker: "user" | "bot";
  kb?: "general" | "tech" | null;
  known?: boolean | null;
  cut?: boolean;
  response_ms?: number;
  /** Words that may still change. */
  passing?: boolean;
  children: ReactNode;
}

/** One turn in a running conversation. */
export function Bubble({ speaker, kb, known, cut = false, response_ms, passing = false, children }: BubbleProps) {
  const { text, format } = useSpeech();
  return (
    <div className={classes.turn} data-speaker={speaker} data-passing={passing || undefined}>
      <div className={classes.bubble}>
        {(kb || known === false || cut || response_ms !== undefined) && (
          <div className={classes.meta}>
            <KbLabel kb={kb} />
            {known === false && <Tag tone="warn">{text.call.unknown}</Tag>}
            {cut && <Tag tone="bad">{text.call.cut}</Tag>}
            {response_ms !== undefined && <span className="num dim">{format.ms(response_ms)}</span>}
          </div>
        )}
        <div className="pre">{children}</div>
      </div>
    </div>
  );
}
