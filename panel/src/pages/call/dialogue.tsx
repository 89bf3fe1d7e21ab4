import { IconChevronRight, IconMessageOff, IconPlayerPlay, IconScissors } from "@tabler/icons-react";
import { useState } from "react";
import type { Turn } from "~/api/client";
import { KbLabel, Tag } from "~/components/labels";
import { Empty } from "~/components/states";
import { Waterfall } from "~/components/waterfall";
import { useSpeech } from "~/i18n";
import { unheard } from "~/lib/unheard";
import classes from "./call.module.css";
import { Sources } from "./sources";

interface DialogueProps {
  turns: Turn[];
  /** Where the recording plays, seconds; the turn that sounds is marked. */
  position_s: number | null;
  onSeek?: (offset_s: number) => void;
}

/** The call as a chat: what was heard, said and cut, with what each answer came from and where its time went. */
export function Dialogue({ turns, position_s, onSeek }: DialogueProps) {
  const { text } = useSpeech();
  if (!turns.length) return <Empty icon={IconMessageOff} title={text.call.silent}>{text.call.silentHint}</Empty>;
  const sounding = position_s === null ? -1 : turns.findLastIndex(({ offset_s }) => offset_s !== null && offset_s <= position_s);
  return (
    <ol className={classes.turns}>
      {turns.map((turn, index) => (
        <TurnItem
          key={`${turn.at}-${index}`}
          turn={turn}
          heard={lastHeard(turns, index)}
          sounding={index === sounding}
          onSeek={onSeek}
        />
      ))}
    </ol>
  );
}

/** The milliseconds of the caller's turn that the reply at `index` answers. */
function lastHeard(turns: Turn[], index: number): Readonly<Record<string, number>> {
  const before = turns[index - 1];
  return before?.speaker === "user" ? (before.ms ?? {}) : {};
}

interface TurnItemProps {
  turn: Turn;
  heard: Readonly<Record<string, number>>;
  sounding: boolean;
  onSeek?: (offset_s: number) => void;
}

function TurnItem({ turn, heard, sounding, onSeek }: TurnItemProps) {
  const { text, format } = useSpeech();
  const [open, setOpen] = useState(false);
  const bot = turn.speaker === "bot";
  const sources = turn.sources ?? [];
  const more = bot && (sources.length > 0 || turn.ms?.response !== undefined);
  const response = turn.ms?.response;
  const at = turn.offset_s;
  return (
    <li className={classes.turn} data-speaker={turn.speaker} data-sounding={sounding || undefined}>
      <div className={classes.bubble}>
        <div className={classes.meta}>
          <b>{bot ? text.call.bot : text.call.caller}</b>
          {at !== null && at !== undefined && (
            onSeek
              ? <button type="button" className={classes.offset} onClick={() => onSeek(at)} title={text.call.playFrom}><IconPlayerPlay size={11} aria-hidden />{format.clock(at)}</button>
              : <span className="num dim">{format.clock(at)}</span>
          )}
          {bot && <KbLabel kb={turn.kb} />}
          {turn.known === false && <Tag tone="warn">{text.call.unknown}</Tag>}
          {turn.intent && <Tag tone="info">{text.intent[turn.intent]}</Tag>}
          {turn.cut && <Tag tone="bad">{text.call.cut}</Tag>}
        </div>
        <Words turn={turn} />
        {more && (
          <button type="button" className={classes.more} aria-expanded={open} onClick={() => setOpen(!open)}>
            <IconChevronRight size={13} aria-hidden className={classes.chevron} />
            {response !== undefined && <span className="num">{format.ms(response)}</span>}
            {sources.length > 0 && <span>{text.call.sources(sources.length)}</span>}
            {turn.model && <span className="dim">{turn.model}</span>}
          </button>
        )}
        {open && (
          <div className={classes.inside}>
            <Waterfall heard={heard} said={turn.ms ?? {}} />
            <Sources sources={sources} />
          </div>
        )}
      </div>
    </li>
  );
}

function Words({ turn }: { turn: Turn }) {
  const { text } = useSpeech();
  if (turn.speaker === "user") {
    return (
      <>
        <p className="pre">{turn.text}</p>
        {turn.raw && bare(turn.raw) !== bare(turn.text) && <p className={classes.raw}><span>{text.call.heardAs}</span> {turn.raw}</p>}
      </>
    );
  }
  const rest = turn.cut ? unheard(turn.planned, turn.text) : "";
  return (
    <p className="pre">
      {turn.text}
      {rest && (
        <>
          {" "}
          <IconScissors size={13} className={classes.scissors} aria-label={text.call.cutHere} />{" "}
          <s className={classes.unheard}>{rest}</s>
        </>
      )}
    </p>
  );
}

/** A text without what recognition leaves out anyway: letter case and punctuation. */
function bare(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}
