import { ActionIcon, Button, CopyButton, Tooltip } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconArrowLeft, IconCheck, IconCopy, IconExternalLink } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { api, unwrap, type CallDetails } from "~/api/client";
import { KbLabel, Status } from "~/components/labels";
import { Page } from "~/components/page";
import { Shown } from "~/components/states";
import { useSpeech } from "~/i18n";
import classes from "./call.module.css";
import { Dialogue } from "./dialogue";
import { Recording, type Player } from "./recording";
import { Replay } from "./replay";

const LIVE_LOOK_MS = 3000;

export default function Call({ id }: { id: string }) {
  const { text } = useSpeech();
  const [, go] = useLocation();
  const call = useQuery({
    queryKey: ["call", id],
    queryFn: () => unwrap(api.GET("/api/calls/{call_id}", { params: { path: { call_id: id } } })),
    refetchInterval: ({ state }) => (state.data?.status === "Active" ? LIVE_LOOK_MS : false),
  });
  const back = () => (history.length > 1 ? history.back() : go("/"));
  useHotkeys([["Escape", back]]);
  return (
    <Page
      title={call.data?.caller || text.call.title}
      note={call.data && <Status status={call.data.status} />}
      actions={
        <Button component={Link} href="/" variant="default" leftSection={<IconArrowLeft size={15} />} onClick={(event: React.MouseEvent) => { event.preventDefault(); back(); }}>
          {text.call.back}
        </Button>
      }
    >
      <Shown query={call} lines={10}>{(details) => <Details call={details} />}</Shown>
    </Page>
  );
}

/** Leads to what the exchange did with the call; nothing where the notifier does not know it. */
function Trace({ call }: { call: CallDetails }) {
  const { text } = useSpeech();
  const trace = useQuery({
    queryKey: ["call", call.id, "trace", call.status],
    queryFn: () => unwrap(api.GET("/api/calls/{call_id}/trace", { params: { path: { call_id: call.id } } })),
  });
  if (!trace.data?.url) return null;
  return (
    <Button component="a" href={trace.data.url} target="_blank" rel="noreferrer" variant="default" fullWidth rightSection={<IconExternalLink size={14} />}>
      {text.call.trace}
    </Button>
  );
}

function Details({ call }: { call: CallDetails }) {
  const { text } = useSpeech();
  const player = useRef<Player>(null);
  const [position_s, setPosition] = useState<number | null>(null);
  const [replaying, setReplaying] = useState(false);
  return (
    <div className={classes.columns}>
      <section className={classes.talk} aria-label={text.call.dialogue}>
        {call.recording && <Recording ref={player} recording={call.recording} onPosition={setPosition} />}
        <div className={`card ${classes.dialogue}`}>
          <header>
            <h2>{text.call.dialogue}</h2>
            <span className="grow" />
            <Button size="compact-xs" variant="light" onClick={() => setReplaying(!replaying)} aria-expanded={replaying} disabled={!call.questions}>
              {replaying ? text.replay.hide : text.replay.start}
            </Button>
          </header>
          {replaying && <Replay call={call} />}
          {!replaying && (
            <Dialogue
              turns={call.turns}
              position_s={position_s}
              onSeek={call.recording ? (offset_s) => player.current?.seek(offset_s) : undefined}
            />
          )}
        </div>
      </section>
      <aside className={classes.facts}>
        <Facts call={call} />
        <Trace call={call} />
      </aside>
    </div>
  );
}

function Facts({ call }: { call: CallDetails }) {
  const { text, format } = useSpeech();
  const responses = call.turns.flatMap(({ ms }) => (ms?.response === undefined ? [] : [ms.response])).sort((a, b) => a - b);
  const median = responses[Math.floor((responses.length - 1) / 2)];
  const facts: [string, React.ReactNode][] = [
    [text.calls.start, format.dateTime(call.start_time)],
    [text.calls.end, call.end_time ? format.dateTime(call.end_time) : text.status.Active],
    [text.calls.duration, call.duration_s === null ? "…" : format.clock(call.duration_s)],
    [text.call.reason, call.reason ? (text.reason[call.reason as keyof typeof text.reason] ?? call.reason) : "—"],
    ...(call.detail ? ([[text.call.detail, <span className="pre">{call.detail}</span>]] as [string, React.ReactNode][]) : []),
    [text.calls.source, call.kb === "none" ? "—" : <KbLabel kb={call.kb} />],
    [text.call.questions, `${call.questions}`],
    [text.call.unanswered, `${call.unanswered}`],
    [text.call.bargeIns, `${call.barge_ins}`],
  ];
  const times: [string, React.ReactNode][] = [
    [text.call.medianResponse, median === undefined ? "—" : format.ms(median)],
    [text.call.slowest, responses.length ? format.ms(responses.at(-1) as number) : "—"],
    [text.call.deadAir, call.longest_dead_air_ms === null ? "—" : format.ms(call.longest_dead_air_ms)],
  ];
  return (
    <>
      <div className="card">
        <header><h2>{text.call.facts}</h2></header>
        <FactList facts={facts} />
      </div>
      <div className="card">
        <header><h2>{text.call.speed}</h2></header>
        <FactList facts={times} />
      </div>
      <div className={`card ${classes.idCard}`}>
        <span className="dim">{text.calls.id}</span>
        <span className="mono clip grow" title={call.id}>{call.id}</span>
        <CopyButton value={call.id}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? text.common.copied : text.common.copy}>
              <ActionIcon size="sm" aria-label={text.common.copy} onClick={copy}>{copied ? <IconCheck size={14} /> : <IconCopy size={14} />}</ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </div>
    </>
  );
}

function FactList({ facts }: { facts: [string, React.ReactNode][] }) {
  return (
    <dl className={classes.factList}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="num">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
