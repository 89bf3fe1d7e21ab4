import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, unwrap, type Analytics as Figures } from "~/api/client";
import { Bars, Lines } from "~/components/charts";
import { Page } from "~/components/page";
import { PeriodPicker } from "~/components/period-picker";
import { Shown } from "~/components/states";
import { usePeriod } from "~/components/use-period";
import { useSpeech } from "~/i18n";
import classes from "./analytics.module.css";
import { Topics } from "./topics";
import { stageTrend } from "./trend";

const TREND_STAGE = "response";

export default function Analytics() {
  const { text } = useSpeech();
  const [period, setPeriod] = usePeriod("month");
  const query = { date_from: period.from, date_to: period.to };
  const figures = useQuery({
    queryKey: ["analytics", period],
    placeholderData: keepPreviousData,
    queryFn: () => unwrap(api.GET("/api/analytics", { params: { query } })),
  });
  return (
    <Page title={text.pages.analytics} actions={<PeriodPicker value={period} onChange={setPeriod} />}>
      <Shown query={figures} lines={10}>
        {(data) => (
          <div className={classes.board} data-stale={figures.isPlaceholderData || undefined}>
            <Tiles figures={data} />
            <ByTime figures={data} />
            <Stages figures={data} />
            <Endings figures={data} />
          </div>
        )}
      </Shown>
      <Topics period={period} />
    </Page>
  );
}

function Tiles({ figures: { totals } }: { figures: Figures }) {
  const { text, format } = useSpeech();
  const share = (part: number) => (totals.questions ? format.percent(part / totals.questions) : "—");
  const tiles: [string, string, string][] = [
    [text.analytics.calls, format.number(totals.calls), text.analytics.minutes(format.number(totals.minutes))],
    [text.analytics.mean, totals.mean_s === null ? "—" : format.clock(totals.mean_s), `p95 ${totals.p95_s === null ? "—" : format.clock(totals.p95_s)}`],
    ["[general]", share(totals.answered_general), text.analytics.answers(totals.answered_general)],
    ["[tech]", share(totals.answered_tech), text.analytics.answers(totals.answered_tech)],
    [text.analytics.unanswered, share(totals.unanswered), text.analytics.questions(totals.unanswered)],
    [text.analytics.transferred, format.number(totals.transferred), totals.calls ? format.percent(totals.transferred / totals.calls) : "—"],
    [text.analytics.bargeIns, format.number(totals.barge_ins), text.analytics.perCall(totals.calls ? format.number(totals.barge_ins / totals.calls, 1) : "—")],
    [text.analytics.failed, format.number(totals.failed), totals.calls ? format.percent(totals.failed / totals.calls) : "—"],
  ];
  return (
    <dl className={classes.tiles}>
      {tiles.map(([name, value, note]) => (
        <div key={name} className="card">
          <dt>{name}</dt>
          <dd className="num">{value}</dd>
          <dd className={`num ${classes.note}`}>{note}</dd>
        </div>
      ))}
    </dl>
  );
}

function ByTime({ figures }: { figures: Figures }) {
  const { text, format } = useSpeech();
  const whole = (value: number) => format.number(value);
  const days = figures.by_day.map(({ day, calls, transferred, failed }) => ({
    key: day,
    label: format.day(day),
    parts: [
      { name: text.analytics.handled, value: calls - transferred - failed, tone: "var(--accent)" },
      { name: text.analytics.transferred.toLowerCase(), value: transferred, tone: "var(--stage-asr)" },
      { name: text.analytics.failed.toLowerCase(), value: failed, tone: "var(--bad)" },
    ],
  }));
  const hours = figures.by_hour.map(({ hour, calls }) => ({
    key: `${hour}`,
    label: `${hour}`,
    parts: [{ name: text.analytics.calls.toLowerCase(), value: calls, tone: "var(--accent)" }],
  }));
  return (
    <div className={classes.pair}>
      <div className="card"><Bars data={days} title={text.analytics.byDay} format={whole} every={Math.max(1, Math.ceil(days.length / 8))} /></div>
      <div className="card"><Bars data={hours} title={text.analytics.byHour} format={whole} every={3} /></div>
    </div>
  );
}

function Stages({ figures }: { figures: Figures }) {
  const { text, format } = useSpeech();
  const trend = stageTrend(figures.stage_trend, TREND_STAGE, figures.by_day.map(({ day }) => day));
  return (
    <div className={classes.pair}>
      <div className="card">
        <Lines
          labels={figures.by_day.map(({ day }) => format.day(day))}
          title={text.analytics.responseTrend}
          height={236}
          format={format.ms}
          lines={[
            { name: "p50", tone: "var(--accent)", values: trend.map((point) => point?.p50_ms ?? null) },
            { name: "p95", tone: "var(--stage-tts)", values: trend.map((point) => point?.p95_ms ?? null) },
          ]}
        />
      </div>
      <div className="card">
        <header><h2>{text.analytics.stages}</h2><span className="grow" /><span className="dim num">{text.analytics.stageCalls(figures.stage_calls)}</span></header>
        <table className={classes.table}>
          <thead><tr><th scope="col">{text.analytics.stage}</th><th scope="col">p50</th><th scope="col">p95</th><th scope="col">p99</th></tr></thead>
          <tbody>
            {figures.stages.map((stage) => (
              <tr key={stage.stage} data-main={stage.stage === TREND_STAGE || undefined}>
                <th scope="row">{text.stages[stage.stage as keyof typeof text.stages] ?? stage.label}</th>
                <td className="num">{format.ms(stage.p50_ms)}</td>
                <td className="num">{format.ms(stage.p95_ms)}</td>
                <td className="num">{format.ms(stage.p99_ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Endings({ figures }: { figures: Figures }) {
  const { text, format } = useSpeech();
  const most = Math.max(1, ...figures.endings.map(({ calls }) => calls));
  return (
    <div className={classes.pair}>
      <div className="card">
        <header><h2>{text.analytics.endings}</h2></header>
        <ul className={classes.shares}>
          {figures.endings.map((ending) => (
            <li key={`${ending.reason}${ending.detail}`}>
              <span className="clip">{text.reason[ending.reason as keyof typeof text.reason] ?? ending.label}</span>
              <i aria-hidden><i style={{ width: `${(ending.calls / most) * 100}%` }} /></i>
              <span className="num">{format.number(ending.calls)}</span>
            </li>
          ))}
        </ul>
      </div>
      <div className="card">
        <header><h2>{text.analytics.failures}</h2></header>
        {figures.failures.length ? (
          <ul className={classes.shares}>
            {figures.failures.map((failure) => (
              <li key={failure.detail}>
                <span className="pre">{failure.detail || failure.label}</span>
                <span className="num">{format.number(failure.calls)}</span>
              </li>
            ))}
          </ul>
        ) : <p className={`dim ${classes.none}`}>{text.analytics.noFailures}</p>}
      </div>
    </div>
  );
}
