import { useState } from "react";
import type { Source } from "~/api/client";
import { KbLabel } from "~/components/labels";
import { Score } from "~/components/score";
import { useSpeech } from "~/i18n";
import classes from "./call.module.css";

const LONG = 220;

/** The passages that an answer came from. */
export function Sources({ sources }: { sources: Source[] }) {
  if (!sources.length) return null;
  return (
    <ul className={classes.sources}>
      {sources.map((source) => <SourceItem key={source.chunk_id} source={source} />)}
    </ul>
  );
}

function SourceItem({ source }: { source: Source }) {
  const { text, format } = useSpeech();
  const [whole, setWhole] = useState(false);
  const passage = source.text ?? "";
  const long = passage.length > LONG;
  return (
    <li>
      <div className="row">
        <KbLabel kb={source.kb} />
        <b className="clip">{source.title ?? text.call.sourceGone}</b>
        <span className="grow" />
        {source.score !== null && <Score value={source.score} label={format.number(source.score, 2)} />}
      </div>
      {passage && (
        <p className="pre dim">
          {long && !whole ? `${passage.slice(0, LONG)}…` : passage}
          {long && <button type="button" className={classes.link} onClick={() => setWhole(!whole)}>{whole ? text.common.less : text.common.whole}</button>}
        </p>
      )}
    </li>
  );
}
