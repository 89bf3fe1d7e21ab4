import { useId, useState, type CSSProperties } from "react";
import { niceTop } from "~/lib/scale";
import classes from "./charts.module.css";

const WIDTH = 720;

export interface BarDatum {
  key: string;
  label: string;
  /** Stacked from the bottom. */
  parts: { value: number; tone: string; name: string }[];
}

interface BarsProps {
  data: BarDatum[];
  title: string;
  height?: number;
  format: (value: number) => string;
  /** Every how many bars one is labelled. */
  every?: number;
}

/** Stacked bars over a scale, the values of the one pointed at above. */
export function Bars({ data, title, height = 160, format, every = 1 }: BarsProps) {
  const [at, setAt] = useState<number | null>(null);
  const id = useId();
  const sums = data.map(({ parts }) => parts.reduce((sum, part) => sum + part.value, 0));
  const top = niceTop(Math.max(1, ...sums));
  const slot = WIDTH / Math.max(1, data.length);
  const bar = Math.min(28, slot * 0.7);
  const shown = at === null ? null : data[at];
  return (
    <figure className={classes.figure} aria-labelledby={id} style={{ "--chart": `${height}px` } as CSSProperties}>
      <figcaption id={id} className={classes.caption}>
        <span className={classes.legend}>
          {title}
          {(data[0]?.parts.length ?? 0) > 1 && data[0]?.parts.map(({ name, tone }) => <span key={name}><i style={{ background: tone }} />{name}</span>)}
        </span>
        <span className="num">
          {shown && <>{shown.label}: {shown.parts.filter(({ value }) => value > 0).map(({ name, value }) => `${name} ${format(value)}`).join(" · ") || format(0)}</>}
        </span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${height}`} className={classes.svg} style={{ height }} preserveAspectRatio="none" onMouseLeave={() => setAt(null)} aria-hidden>
        {[0.5, 1].map((share) => <line key={share} x1={0} x2={WIDTH} y1={height * (1 - share) + 0.5} y2={height * (1 - share) + 0.5} className={classes.rule} />)}
        {data.map(({ key, parts }, index) => {
          let y = height;
          return (
            <g key={key} onMouseEnter={() => setAt(index)} opacity={at === null || at === index ? 1 : 0.55}>
              <rect x={index * slot} y={0} width={slot} height={height} fill="transparent" />
              {parts.map(({ value, tone, name }) => {
                const length = (value / top) * (height - 4);
                y -= length;
                return length > 0 ? <rect key={name} x={index * slot + (slot - bar) / 2} y={y} width={bar} height={length} fill={tone} /> : null;
              })}
            </g>
          );
        })}
      </svg>
      <div className={classes.scale}><span className="num">{format(top)}</span><span className="num">{format(top / 2)}</span></div>
      <div className={classes.labels} aria-hidden>
        {data.map(({ key, label }, index) => <span key={key} className="num">{index % every === 0 ? label : ""}</span>)}
      </div>
      <table className={classes.table}>
        <caption>{title}</caption>
        <tbody>
          {data.map(({ key, label, parts }) => <tr key={key}><th scope="row">{label}</th>{parts.map(({ name, value }) => <td key={name}>{name}: {format(value)}</td>)}</tr>)}
        </tbody>
      </table>
    </figure>
  );
}

export interface Line {
  name: string;
  tone: string;
  /** Null where nothing was measured. */
  values: (number | null)[];
}

interface LinesProps {
  labels: string[];
  lines: Line[];
  title: string;
  height?: number;
  format: (value: number) => string;
}

/** Lines over days. */
export function Lines({ labels, lines, title, height = 160, format }: LinesProps) {
  const [at, setAt] = useState<number | null>(null);
  const id = useId();
  const top = niceTop(Math.max(1, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const step = WIDTH / Math.max(1, labels.length);
  const x = (index: number) => (index + 0.5) * step;
  const y = (value: number) => height - (value / top) * (height - 4);
  return (
    <figure className={classes.figure} aria-labelledby={id} style={{ "--chart": `${height}px` } as CSSProperties}>
      <figcaption id={id} className={classes.caption}>
        <span className={classes.legend}>{title} {lines.map(({ name, tone }) => <span key={name}><i style={{ background: tone }} />{name}</span>)}</span>
        <span className="num">{at !== null && <>{labels[at]}: {lines.map(({ name, values }) => { const value = values[at]; return value === null || value === undefined ? null : `${name} ${format(value)}`; }).filter(Boolean).join(" · ")}</>}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${height}`} className={classes.svg} style={{ height }} preserveAspectRatio="none" onMouseLeave={() => setAt(null)} aria-hidden>
        {[0.5, 1].map((share) => <line key={share} x1={0} x2={WIDTH} y1={height * (1 - share) + 0.5} y2={height * (1 - share) + 0.5} className={classes.rule} />)}
        {at !== null && <line x1={x(at)} x2={x(at)} y1={0} y2={height} className={classes.rule} />}
        {lines.map(({ name, tone, values }) => <path key={name} d={pathOf(values, x, y)} fill="none" stroke={tone} strokeWidth={1.8} vectorEffect="non-scaling-stroke" strokeLinejoin="round" strokeLinecap="round" />)}
        {labels.map((label, index) => <rect key={label} x={index * step} y={0} width={step} height={height} fill="transparent" onMouseEnter={() => setAt(index)} />)}
      </svg>
      <div className={classes.scale}><span className="num">{format(top)}</span><span className="num">{format(top / 2)}</span></div>
      <div className={classes.labels} aria-hidden>
        {labels.map((label, index) => <span key={label} className="num">{index % Math.max(1, Math.ceil(labels.length / 8)) === 0 ? label : ""}</span>)}
      </div>
    </figure>
  );
}

function pathOf(values: (number | null)[], x: (index: number) => number, y: (value: number) => number): string {
  let pen = false;
  return values.map((value, index) => {
    if (value === null) {
      pen = false;
      return "";
    }
    const move = pen ? "L" : "M";
    pen = true;
    return `${move}${x(index).toFixed(1)} ${y(value).toFixed(1)}${values[index + 1] === null && move === "M" ? "h0.1" : ""}`;
  }).join("");
}
