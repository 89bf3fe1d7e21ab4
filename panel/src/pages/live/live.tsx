import { Button } from "@mantine/core";
import { IconHeadset, IconMicrophone, IconPhone, IconPhoneOff, IconPlugConnectedX, IconVolume } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { api, unwrap } from "~/api/client";
import { Bubble } from "~/components/bubble";
import { Confirm } from "~/components/confirm";
import { Tag } from "~/components/labels";
import { Page } from "~/components/page";
import { StageStrip } from "~/components/stage-strip";
import { Empty, Loading } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { trailing } from "~/lib/unheard";
import type { LiveCall } from "~/live/picture";
import { useBotClock, useLive } from "~/live/provider";
import classes from "./live.module.css";

export default function Live() {
  const { text } = useSpeech();
  const { link, bots, calls } = useLive();
  const silent = Object.entries(bots).filter(([, bot]) => !bot.ok);
  const nobody = silent.length > 0 && silent.length === Object.keys(bots).length;
  return (
    <Page title={text.pages.live} note={calls.length > 0 && text.shell.liveNow(calls.length)}>
      {!nobody && silent.map(([name, bot]) => <p key={name} className={classes.warning} role="status">{bot.detail}</p>)}
      {link === "waiting" && <Loading lines={4} />}
      {link === "lost" && <Empty icon={IconPlugConnectedX} title={text.live.lost}>{text.common.unreachable}</Empty>}
      {link === "open" && nobody && <Empty icon={IconPlugConnectedX} title={text.live.noBot}>{silent[0]?.[1].detail}</Empty>}
      {link === "open" && !nobody && calls.length === 0 && (
        <Empty icon={IconPhone} title={text.live.quiet}>
          {text.live.quietHint} <Link href="/talk">{text.live.tryTalk}</Link>
        </Empty>
      )}
      <div className={classes.cards} aria-live="off">
        {calls.map((call) => <CallCard key={call.id} call={call} />)}
      </div>
    </Page>
  );
}

function CallCard({ call }: { call: LiveCall }) {
  const { text, format } = useSpeech();
  const now = useBotClock(true);
  return (
    <article className="card" aria-label={`${text.call.title} ${call.caller}`}>
      <header>
        <h2 className="num">{call.caller}</h2>
        {call.kind !== "phone" && <Tag>{text.live.kind[call.kind]}</Tag>}
        <span className="grow" />
        <span className="num dim">{format.clock(now - call.started_at)}</span>
      </header>
      <div className={classes.state}>
        <Speaker on={call.caller_speaks} who="caller" />
        <span className={classes.phase}>{text.phase[call.phase]}</span>
        <Speaker on={call.bot_speaks} who="bot" />
      </div>
      <div className={classes.stages}>
        <StageStrip stages={call.stages} stage={call.stage} waited_ms={(now - call.stage_since) * 1000} />
      </div>
      <div className={classes.turns} tabIndex={0} role="log" aria-label={text.call.dialogue}>
        {call.partial && <Bubble speaker="user" passing>{trailing(call.partial)}</Bubble>}
        {call.turns.toReversed().map((turn) => (
          <Bubble key={`${turn.at}${turn.speaker}`} speaker={turn.speaker} kb={turn.kb} known={turn.known} cut={turn.cut} response_ms={turn.ms.response}>
            {turn.text}
          </Bubble>
        ))}
        {!call.turns.length && !call.partial && <p className="dim">{text.live.noWords}</p>}
      </div>
      <Controls call={call} />
    </article>
  );
}

function Speaker({ on, who }: { on: boolean; who: "caller" | "bot" }) {
  const { text } = useSpeech();
  const Sign = who === "caller" ? IconMicrophone : IconVolume;
  return (
    <span className={classes.speaker} data-on={on || undefined}>
      <Sign size={15} stroke={1.7} aria-hidden /> {text.call[who]}
    </span>
  );
}

function Controls({ call }: { call: LiveCall }) {
  const { text } = useSpeech();
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const act = async (action: "hangup" | "transfer") => {
    setAsking(false);
    setBusy(true);
    const options = { params: { path: { call_id: call.id } } };
    try {
      const doing = action === "hangup"
        ? api.POST("/api/live/{call_id}/hangup", options)
        : api.POST("/api/live/{call_id}/transfer", options);
      toast.done((await unwrap(doing)).message);
    } catch (error) {
      toast.failed(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <footer className={classes.controls}>
      <Button variant="default" leftSection={<IconHeadset size={15} />} disabled={busy} onClick={() => void act("transfer")}>{text.live.transfer}</Button>
      <Button variant="light" color="red" leftSection={<IconPhoneOff size={15} />} disabled={busy} onClick={() => setAsking(true)}>{text.live.hangUp}</Button>
      <Confirm opened={asking} title={text.live.hangUpTitle} action={text.live.hangUp} danger onCancel={() => setAsking(false)} onConfirm={() => void act("hangup")}>
        {text.live.hangUpWhy(call.caller)}
      </Confirm>
    </footer>
  );
}
