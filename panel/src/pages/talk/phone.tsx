import { Button } from "@mantine/core";
import { IconMicrophone, IconPhone, IconPhoneOff, IconVolume } from "@tabler/icons-react";
import { useEffect, useReducer, useRef, useState } from "react";
import { Link } from "wouter";
import { Bubble } from "~/components/bubble";
import { StageStrip } from "~/components/stage-strip";
import { Empty } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { callAddress } from "~/lib/call-address";
import { trailing, unheard } from "~/lib/unheard";
import { foldTalk, SILENCE, type Conversation } from "~/talk/conversation";
import { TalkError, TalkSession } from "~/talk/session";
import classes from "./talk.module.css";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

type Line = "idle" | "dialling" | "talking";

/** A call from the browser, through the same pipeline as a telephone's. */
export function Phone() {
  const { text } = useSpeech();
  const toast = useToast();
  const [line, setLine] = useState<Line>("idle");
  const [talk, tell] = useReducer(foldTalk, SILENCE);
  const session = useRef<TalkSession | null>(null);
  const dialling = useRef<AbortController | null>(null);
  const meter = useRef<HTMLDivElement>(null);

  useEffect(() => () => {
    dialling.current?.abort();
    session.current?.close();
  }, []);
  useEffect(() => {
    if (talk.ended !== null || talk.error) {
      session.current = null;
      setLine("idle");
    }
  }, [talk.ended, talk.error]);

  const begin = async () => {
    const giving = (dialling.current = new AbortController());
    setLine("dialling");
    tell({ type: "begin" });
    try {
      const level = (value: number) => meter.current?.style.setProperty("--level", `${value}`);
      session.current = await TalkSession.begin(tell, level, giving.signal);
      setLine("talking");
    } catch (error) {
      if (giving.signal.aborted) return;
      setLine("idle");
      toast.failed(error instanceof TalkError ? new Error(text.talk.errors[error.cause_name]) : error);
    }
  };

  const end = () => {
    if (line === "talking") return session.current?.hangUp();
    dialling.current?.abort();
    setLine("idle");
  };

  return (
    <section className={`card ${classes.pane}`} aria-label={text.talk.phone}>
      <header>
        <h2>{text.talk.phone}</h2>
        <span className="grow" />
        {line === "idle" ? (
          <Button leftSection={<IconPhone size={15} />} onClick={() => void begin()}>{text.talk.call}</Button>
        ) : (
          <Button color="red" leftSection={<IconPhoneOff size={15} />} onClick={end}>
            {text.live.hangUp}
          </Button>
        )}
      </header>
      <div className={classes.board}>
        <div className={classes.sides}>
          <span data-on={talk.callerSpeaks || undefined}><IconMicrophone size={15} aria-hidden /> {text.talk.you}</span>
          <div ref={meter} className={classes.meter} aria-hidden><i /></div>
          <b>{line === "talking" ? text.phase[talk.phase] : line === "dialling" ? text.talk.dialling : text.talk.idle}</b>
          <span data-on={talk.botSpeaks || undefined}><IconVolume size={15} aria-hidden /> {text.call.bot}</span>
        </div>
        <StageStrip stages={talk.stages} stage={talk.stage} />
      </div>
      <Transcript talk={talk} line={line} />
      <div className={classes.keys} role="group" aria-label={text.talk.keys}>
        {KEYS.map((key) => (
          <button key={key} type="button" disabled={line !== "talking"} onClick={() => session.current?.press(key)}>{key}</button>
        ))}
      </div>
    </section>
  );
}

function Transcript({ talk, line }: { talk: Conversation; line: Line }) {
  const { text } = useSpeech();
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [talk.turns, talk.partial]);
  return (
    <div className={classes.turns} role="log" aria-label={text.talk.transcript} tabIndex={0}>
      {!talk.turns.length && line === "idle" && !talk.error && <Empty icon={IconMicrophone} title={text.talk.ready}>{text.talk.readyHint}</Empty>}
      {talk.turns.map((turn, index) => (
        <Bubble key={index} speaker={turn.speaker} kb={turn.kb} known={turn.known} cut={turn.cut} response_ms={turn.ms.response}>
          {turn.text}
          {turn.cut && <s className="dim"> {unheard(turn.planned, turn.text)}</s>}
        </Bubble>
      ))}
      {talk.partial && <Bubble speaker="user" passing>{trailing(talk.partial)}</Bubble>}
      {talk.error && <p className={classes.over} role="alert">{talk.error}</p>}
      {talk.ended !== null && (
        <p className={classes.over}>
          {text.talk.over}: {(text.reason[talk.ended as keyof typeof text.reason] ?? talk.ended).toLowerCase()}.{" "}
          {talk.callId && <Link href={callAddress(talk.callId)}>{text.talk.openCall}</Link>}
        </p>
      )}
      <div ref={end} />
    </div>
  );
}
