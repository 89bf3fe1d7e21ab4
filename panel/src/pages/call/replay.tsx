import { Button } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap, type CallDetails } from "~/api/client";
import type { components } from "~/api/schema";
import { KbLabel, Tag } from "~/components/labels";
import { WordDiff } from "~/components/diff";
import { Shown } from "~/components/states";
import { useSpeech } from "~/i18n";
import classes from "./replay.module.css";

type Replayed = components["schemas"]["ReplayedTurn"];
type Answer = components["schemas"]["AnswerView"];

/** The caller's questions asked anew with the prompts and bases of now, beside what was answered then. */
export function Replay({ call }: { call: CallDetails }) {
  const { text } = useSpeech();
  const [all, setAll] = useState(true);
  const replay = useQuery({
    queryKey: ["replay", call.id],
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    queryFn: ({ signal }) => unwrap(api.POST("/api/calls/{call_id}/replay", { signal, params: { path: { call_id: call.id } }, body: {} })),
  });
  return (
    <Shown query={replay} lines={8}>
      {(replayed) => (
        <>
          <div className={classes.bar}>
            <b>{text.replay.changed(replayed.changed, replayed.turns.length)}</b>
            <span className="dim">{text.replay.note}</span>
            {!!replayed.left_out && <Tag tone="warn">{text.replay.leftOut(replayed.left_out)}</Tag>}
            <span className="grow" />
            <Button size="compact-xs" variant="subtle" onClick={() => setAll(!all)}>{all ? text.replay.onlyChanged : text.replay.showAll}</Button>
            <Button size="compact-xs" variant="default" leftSection={<IconRefresh size={13} />} loading={replay.isFetching} onClick={() => void replay.refetch()}>
              {text.replay.again}
            </Button>
          </div>
          <ol className={classes.list}>
            {replayed.turns.filter((turn) => all || turn.changed || turn.error).map((turn) => <Pair key={turn.index} turn={turn} />)}
          </ol>
        </>
      )}
    </Shown>
  );
}

function Pair({ turn }: { turn: Replayed }) {
  const { text } = useSpeech();
  return (
    <li>
      <p className={classes.question}>
        <span className="dim num">{turn.index + 1}.</span> {turn.question}
        {turn.error
          ? <Tag tone="warn">{turn.error}</Tag>
          : turn.changed ? <Tag tone="warn">{text.replay.differs}</Tag> : <Tag tone="ok">{text.replay.same}</Tag>}
      </p>
      <div className={classes.pair}>
        <Side name={text.replay.before} answer={turn.before} against={turn.after.text} side="before" />
        <Side name={text.replay.after} answer={turn.after} against={turn.before?.text ?? ""} side="after" />
      </div>
    </li>
  );
}

function Side({ name, answer, against, side }: { name: string; answer: Answer | null; against: string; side: "before" | "after" }) {
  const { text, format } = useSpeech();
  return (
    <div className={classes.side}>
      <div className={classes.meta}>
        <span>{name}</span>
        <KbLabel kb={answer?.kb} />
        {answer?.known === false && <Tag tone="warn">{text.call.unknown}</Tag>}
        <span className="grow" />
        {answer?.ms.total !== undefined && <span className="num">{format.ms(answer.ms.total)}</span>}
      </div>
      {answer
        ? <p className="pre"><WordDiff before={side === "before" ? answer.text : against} after={side === "before" ? against : answer.text} show={side} /></p>
        : <p className="dim">{text.replay.noAnswer}</p>}
    </div>
  );
}
