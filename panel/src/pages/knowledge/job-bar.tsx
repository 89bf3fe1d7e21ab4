import { Progress } from "@mantine/core";
import { useEffect, useRef } from "react";
import { isOver, useJob, useKbChanged } from "~/api/job";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import classes from "./knowledge.module.css";

/** How far the publishing of a base is; says so when it is done. */
export function JobBar({ id, onOver }: { id: string | null; onOver: () => void }) {
  const { text, format } = useSpeech();
  const toast = useToast();
  const job = useJob(id);
  const changed = useKbChanged();
  const told = useRef("");
  useEffect(() => {
    if (!job || !isOver(job) || told.current === job.id) return;
    told.current = job.id;
    changed();
    if (job.state === "done") toast.done(text.kb.published);
    else toast.failed(new Error(`${text.kb.notPublished} ${job.error}`));
    onOver();
  }, [job, changed, toast, text, onOver]);
  if (!job || isOver(job)) return null;
  const share = job.total ? (job.done / job.total) * 100 : 0;
  return (
    <div className={classes.job} role="status">
      <span>
        <b>{text.kb.publishing(job.subject)}</b> {job.stage}
        {job.total > 0 && <span className="num dim"> {format.number(job.done)} / {format.number(job.total)}</span>}
        {job.error && <span className={classes.bad}> {job.error}</span>}
      </span>
      <Progress value={job.total ? share : 100} animated={!job.total} striped={!job.total} size="sm" aria-label={text.kb.progress} />
    </div>
  );
}
