import { Button, Textarea } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useState } from "react";
import { api, unwrap, type Draft } from "~/api/client";
import { isOver, useJob } from "~/api/job";
import { WordDiff } from "~/components/diff";
import { KbLabel, Tag } from "~/components/labels";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import classes from "./knowledge.module.css";

interface Answered {
  text: string;
  kb: "general" | "tech" | null;
  known: boolean | null;
}

interface Tried {
  question: string;
  before: Answered;
  after: Answered;
}

/** Questions put to the draft and to the base in force. */
export function Trial({ draft }: { draft: Draft }) {
  const { text } = useSpeech();
  const toast = useToast();
  const [questions, setQuestions] = useState("");
  const [id, setId] = useState<string | null>(null);
  const job = useJob(id);
  const running = id !== null && (job === null || !isOver(job));
  const ask = async () => {
    const list = questions.split("\n").map((line) => line.trim()).filter(Boolean).slice(0, 50);
    try {
      const path = { draft_id: draft.id };
      setId((await unwrap(api.POST("/api/kb/drafts/{draft_id}/trial", { params: { path }, body: { questions: list } }))).job_id);
    } catch (error) {
      toast.failed(error);
    }
  };
  const tried = job?.state === "done" ? (job.result?.questions as Tried[] | undefined) : undefined;
  return (
    <div className={classes.trial}>
      <Textarea label={text.kb.trialQuestions} placeholder={text.kb.trialExample} autosize minRows={3} maxRows={8} value={questions} onChange={(event) => setQuestions(event.currentTarget.value)} />
      <div className="row">
        <Button leftSection={<IconPlayerPlay size={14} />} loading={running} disabled={!questions.trim()} onClick={() => void ask()}>{text.kb.ask}</Button>
        {running && job && <span className="dim">{job.stage} <span className="num">{job.total > 0 && `${job.done} / ${job.total}`}</span></span>}
        {job?.state === "failed" && <span className={classes.bad}>{job.error}</span>}
      </div>
      {tried?.map(({ question, before, after }) => (
        <div key={question} className={classes.tried}>
          <b>{question}</b>
          <div>
            <Answer name={text.kb.now} answer={before} other={after} side="before" />
            <Answer name={text.kb.then} answer={after} other={before} side="after" />
          </div>
        </div>
      ))}
    </div>
  );
}

function Answer({ name, answer, other, side }: { name: string; answer: Answered; other: Answered; side: "before" | "after" }) {
  const { text } = useSpeech();
  return (
    <div className={classes.answer}>
      <div className="row dim">
        {name} <KbLabel kb={answer.kb} /> {answer.known === false && <Tag tone="warn">{text.call.unknown}</Tag>}
      </div>
      <p className="pre"><WordDiff before={side === "before" ? answer.text : other.text} after={side === "before" ? other.text : answer.text} show={side} /></p>
    </div>
  );
}
