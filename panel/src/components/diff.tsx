import { useMemo } from "react";
import { useSpeech } from "~/i18n";
import type { DiffLine } from "~/lib/unified";
import { compareWords } from "~/lib/words";
import classes from "./diff.module.css";

const SIGN = { same: " ", added: "+", removed: "−", place: " " } as const;

/** Lines that are added, removed and the same. */
export function LineDiff({ lines }: { lines: DiffLine[] }) {
  const { text } = useSpeech();
  if (!lines.length) return <p className={classes.equal}>{text.common.equal}</p>;
  return (
    <div className={classes.lines} role="table" aria-label={text.common.difference} tabIndex={0}>
      {lines.map(({ op, text: line }, index) => (
        <div key={index} role="row" className={classes[op]}>
          <span role="cell" aria-label={text.diff[op]}>{SIGN[op]}</span>
          <span role="cell">{line || " "}</span>
        </div>
      ))}
    </div>
  );
}

/** One side of two texts, with the words marked that the other has not. */
export function WordDiff({ before, after, show }: { before: string; after: string; show: "before" | "after" }) {
  const pieces = useMemo(() => compareWords(before, after), [before, after]);
  const hidden = show === "before" ? "added" : "removed";
  return (
    <>
      {pieces.filter(({ op }) => op !== hidden).map(({ op, text }, index) => {
        if (op === "same") return <span key={index}>{text} </span>;
        return op === "added"
          ? <ins key={index} className={classes.ins}>{text} </ins>
          : <del key={index} className={classes.del}>{text} </del>;
      })}
    </>
  );
}
