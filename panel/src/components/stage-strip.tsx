import { useSpeech } from "~/i18n";
import { STAGES, type Stage } from "~/live/picture";
import classes from "./stage-strip.module.css";

interface StageStripProps {
  /** Milliseconds of the stages that are done. */
  stages: Readonly<Record<string, number>>;
  /** What is waited for, and for how many milliseconds already. */
  stage: Stage | null;
  waited_ms?: number;
}

/** The five stages of a coming reply: done with their milliseconds, under way, or still to come. */
export function StageStrip({ stages, stage, waited_ms }: StageStripProps) {
  const { text, format } = useSpeech();
  return (
    <ol className={classes.strip}>
      {STAGES.map((name) => {
        const done = stages[name];
        const now = name === stage && done === undefined;
        return (
          <li key={name} data-done={done !== undefined || undefined} data-now={now || undefined} style={{ "--tone": `var(--stage-${name})` } as React.CSSProperties}>
            <span className={classes.name}>{text.stage[name]}</span>
            <span className="num">{done !== undefined ? format.ms(done) : now && waited_ms !== undefined ? format.ms(Math.max(0, waited_ms)) : "—"}</span>
          </li>
        );
      })}
    </ol>
  );
}
