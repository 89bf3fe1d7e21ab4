import { Button, Progress } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconRefresh } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { SystemState } from "~/api/client";
import { useSystem } from "~/api/system";
import { Tag } from "~/components/labels";
import { Page } from "~/components/page";
import { Shown } from "~/components/states";
import { useSpeech } from "~/i18n";
import { useLive } from "~/live/provider";
import classes from "./system.module.css";

const LOOK_MS = 5000;

export default function System() {
  const { text } = useSpeech();
  const state = useSystem(LOOK_MS);
  return (
    <Page
      title={text.pages.system}
      note={state.data && `VoxBot ${state.data.version}`}
      actions={<Button variant="default" leftSection={<IconRefresh size={15} />} loading={state.isFetching} onClick={() => void state.refetch()}>{text.system.look}</Button>}
    >
      <Shown query={state} lines={10}>
        {(data) => (
          <div className={classes.board}>
            <Alarms state={data} />
            <div className={classes.cards}>
              <Service state={data} />
              <div>
                <Bots />
                <Log state={data} />
                <Knowledge state={data} />
              </div>
            </div>
            <Reloads state={data} />
          </div>
        )}
      </Shown>
    </Page>
  );
}

function Alarms({ state }: { state: SystemState }) {
  const { text } = useSpeech();
  if (!state.alarms.length) {
    return <p className={`card ${classes.fine}`} role="status"><IconCircleCheck size={17} aria-hidden /> {text.system.fine}</p>;
  }
  return (
    <ul className={`card ${classes.alarms}`} role="alert">
      {state.alarms.map((alarm) => (
        <li key={`${alarm.code}${alarm.text}`} data-severity={alarm.severity}><IconAlertTriangle size={16} aria-hidden /> {alarm.text}</li>
      ))}
    </ul>
  );
}

function Card({ title, facts, children }: { title: string; facts: [string, ReactNode][]; children?: ReactNode }) {
  return (
    <section className="card">
      <header><h2>{title}</h2></header>
      <dl className={classes.facts}>
        {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd className="num">{value}</dd></div>)}
      </dl>
      {children}
    </section>
  );
}

function Service({ state }: { state: SystemState }) {
  const { text, format } = useSpeech();
  return (
    <Card
      title={text.system.service}
      facts={[
        [text.system.version, state.version],
        ["Python", state.python],
        ["SQLite", state.sqlite],
        [text.system.started, format.dateTime(state.started_at)],
        [text.system.uptime, format.span(state.uptime_s)],
        [text.system.key, state.key_configured ? text.system.keySet : <Tag tone="bad">{text.system.keyNotSet}</Tag>],
        [text.system.reads, state.reads_need_key ? text.system.readsKey : text.system.readsFree],
        ...Object.entries(state.engines).map(([kind, name]): [string, ReactNode] => [text.system.engines[kind as keyof typeof text.system.engines] ?? kind, name]),
      ]}
    />
  );
}

function Bots() {
  const { text } = useSpeech();
  const { bots, calls } = useLive();
  const names = Object.keys(bots);
  return (
    <Card
      title={text.system.bots}
      facts={names.length
        ? names.map((name): [string, ReactNode] => [
            name,
            bots[name]?.ok ? <Tag tone="ok">{text.shell.liveNow(calls.filter(({ bot }) => bot === name).length)}</Tag> : <Tag tone="bad">{text.system.botSilent}</Tag>,
          ])
        : [[text.system.botsNone, "—"]]}
    />
  );
}

function Log({ state: { log } }: { state: SystemState }) {
  const { text, format } = useSpeech();
  const { done, total } = log.search;
  return (
    <Card
      title={text.system.log}
      facts={[
        [text.system.file, <span className="mono">{log.path}</span>],
        [text.system.size, format.bytes(log.bytes)],
        [text.pages.calls, format.number(log.calls)],
        [text.system.searchable, done >= total ? text.system.all : `${format.number(done)} / ${format.number(total)}`],
      ]}
    >
      {done < total && <Progress value={(done / Math.max(1, total)) * 100} size="sm" m="sm" mt={0} aria-label={text.system.searchable} />}
    </Card>
  );
}

function Knowledge({ state: { index } }: { state: SystemState }) {
  const { text, format } = useSpeech();
  return (
    <Card
      title={text.system.index}
      facts={[
        [text.system.version, index.version ? <span className="mono">{index.version}</span> : <Tag tone="bad">{text.system.noIndex}</Tag>],
        [text.system.engines.embeddings, index.embedder ?? "—"],
        ...Object.entries(index.chunks).map(([kb, chunks]): [string, ReactNode] => [`[${kb}]`, `${format.number(chunks)} ${text.kb.chunks}`]),
      ]}
    />
  );
}

function Reloads({ state: { reload } }: { state: SystemState }) {
  const { text, format } = useSpeech();
  return (
    <section className="card">
      <header>
        <h2>{text.system.reloads}</h2>
        <span className="grow" />
        <span className="dim">{reload.enabled ? text.system.everySeconds(format.number(reload.interval_s, reload.interval_s % 1 ? 1 : 0)) : text.system.reloadOff}</span>
      </header>
      <table className={classes.table}>
        <thead><tr><th scope="col">{text.system.file}</th><th scope="col">{text.system.changed}</th><th scope="col">{text.system.state}</th></tr></thead>
        <tbody>
          {reload.files.map((file) => (
            <tr key={file.path}>
              <td className="mono">{file.path}</td>
              <td className="num">{file.changed_at ? format.dateTime(file.changed_at) : "—"}</td>
              <td>{!file.exists ? <Tag tone="bad">{text.system.missing}</Tag> : file.error ? <span className={classes.bad}>{file.error}</span> : <Tag tone="ok">{text.system.inForce}</Tag>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3 className={classes.sub}>{text.system.events}</h3>
      {reload.events.length ? (
        <ul className={classes.events} tabIndex={0} aria-label={text.system.events}>
          {reload.events.map((event) => (
            <li key={`${event.at}${event.text}`}>
              <span className="num dim">{format.dateTime(event.at)}</span>
              <Tag tone={event.ok ? "ok" : "bad"}>{event.ok ? text.system.taken : text.system.refused}</Tag>
              <span className="pre">{event.text}</span>
            </li>
          ))}
        </ul>
      ) : <p className={`dim ${classes.none}`}>{text.system.noEvents}</p>}
    </section>
  );
}
