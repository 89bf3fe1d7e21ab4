import { useSpeech } from "~/i18n";
import { waterfall } from "~/lib/waterfall";
import classes from "./waterfall.module.css";

interface WaterfallProps {
  heard: Readonly<Record<string, number>>;
  said: Readonly<Record<string, number>>;
}

/** Where the time of one answer went, a bar per stage. */
export function Waterfall({ heard, said }: WaterfallProps) {
  const { text, format } = useSpeech();
  const chart = waterfall(heard, said);
  if (!chart) return null;
  const width = Math.max(1, chart.to_ms - chart.from_ms);
  const left = (ms: number) => `${((ms - chart.from_ms) / width) * 100}%`;
  return (
    <dl className={classes.chart}>
      {chart.bars.map(({ stage, from_ms, to_ms }) => (
        <div key={stage} className={classes.line}>
          <dt>{text.stage[stage]}</dt>
          <dd>
            <div className={classes.track} aria-hidden>
              {chart.from_ms < 0 && <i className={classes.zero} style={{ left: left(0) }} />}
              <i
                className={classes.bar}
                style={{ left: left(from_ms), width: `${((to_ms - from_ms) / width) * 100}%`, background: `var(--stage-${stage})` }}
              />
            </div>
            <span className="num">{format.ms(to_ms - from_ms)}</span>
          </dd>
        </div>
      ))}
      {chart.response_ms !== null && (
        <div className={classes.line}>
          <dt className={classes.total}>{text.stage.response}</dt>
          <dd><div className={classes.track} aria-hidden /><span className={`num ${classes.total}`}>{format.ms(chart.response_ms)}</span></dd>
        </div>
      )}
    </dl>
  );
}
