import { Button, Drawer, Tabs, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, unwrap, type Draft } from "~/api/client";
import { LineDiff } from "~/components/diff";
import { Tag } from "~/components/labels";
import { Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { readUnified } from "~/lib/unified";
import classes from "./knowledge.module.css";
import { Trial } from "./trial";

interface ReviewProps {
  id: string | null;
  onClose: () => void;
  onPublished: (job: string) => void;
}

/** A draft before it goes live: what would come of it. */
export function Review({ id, onClose, onPublished }: ReviewProps) {
  const { text } = useSpeech();
  const draft = useQuery({
    queryKey: ["drafts", id],
    enabled: id !== null,
    queryFn: () => unwrap(api.GET("/api/kb/drafts/{draft_id}", { params: { path: { draft_id: id ?? "" } } })),
  });
  return (
    <Drawer opened={id !== null} onClose={onClose} position="right" size="min(1080px, 92vw)" title={draft.data ? text.kb.reviewOf(draft.data.name) : text.kb.review} classNames={{ body: classes.drawer, content: classes.drawerContent }}>
      {id !== null && <Shown query={draft} lines={12}>{(data) => <Body key={data.id} draft={data} onClose={onClose} onPublished={onPublished} />}</Shown>}
    </Drawer>
  );
}

function Body({ draft, onClose, onPublished }: { draft: Draft; onClose: () => void; onPublished: (job: string) => void }) {
  const { text } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const [words, setWords] = useState(draft.text);
  const [busy, setBusy] = useState(false);
  useEffect(() => setWords(draft.text), [draft.text]);
  const changed = words !== draft.text;
  const path = { params: { path: { draft_id: draft.id } } };
  const doing = async (work: () => Promise<void>) => {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      toast.failed(error);
    } finally {
      setBusy(false);
    }
  };
  const save = () =>
    doing(async () => {
      const saved = await unwrap(api.PUT("/api/kb/drafts/{draft_id}", { ...path, body: { text: words } }));
      queries.setQueryData(["drafts", draft.id], saved);
      await queries.invalidateQueries({ queryKey: ["drafts", draft.id, "diff"] });
      toast.done(text.kb.draftSaved);
    });
  const publish = () =>
    doing(async () => {
      const accepted = await unwrap(api.POST("/api/kb/drafts/{draft_id}/publish", path));
      toast.done(accepted.message);
      onPublished(accepted.job_id);
    });
  const { review } = draft;
  const problems = review.empty_headings.length + review.duplicates.length;
  return (
    <>
      <div className={classes.stats}>
        <span><b className="num">{review.chunks_total}</b> {text.kb.chunks}</span>
        <Tag tone="ok">+{review.added}</Tag>
        <Tag tone="bad">−{review.removed}</Tag>
        {problems > 0 && <Tag tone="warn">{text.kb.problems(problems)}</Tag>}
      </div>
      <Tabs defaultValue="text" className={classes.tabs} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="text">{text.kb.text}</Tabs.Tab>
          <Tabs.Tab value="diff">{text.common.difference}</Tabs.Tab>
          <Tabs.Tab value="chunks">{text.kb.chunksTab}</Tabs.Tab>
          <Tabs.Tab value="problems">{text.kb.problemsTab} {problems > 0 && <Tag tone="warn">{problems}</Tag>}</Tabs.Tab>
          <Tabs.Tab value="trial">{text.kb.trial}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="text" className={classes.panel}>
          <Textarea aria-label={text.kb.text} classNames={{ root: classes.editor, wrapper: classes.editor, input: classes.editorInput }} value={words} onChange={(event) => setWords(event.currentTarget.value)} spellCheck={false} />
        </Tabs.Panel>
        <Tabs.Panel value="diff" className={classes.scrolled}><Changes id={draft.id} /></Tabs.Panel>
        <Tabs.Panel value="chunks" className={classes.scrolled}><Chunks draft={draft} /></Tabs.Panel>
        <Tabs.Panel value="problems" className={classes.scrolled}><Problems draft={draft} /></Tabs.Panel>
        <Tabs.Panel value="trial" className={classes.scrolled}><Trial draft={draft} /></Tabs.Panel>
      </Tabs>
      <div className={classes.end}>
        <span className="dim grow">{changed ? text.kb.unsaved : text.kb.publishHint}</span>
        <Button variant="default" onClick={onClose}>{text.kb.later}</Button>
        {changed
          ? <Button onClick={() => void save()} loading={busy}>{text.kb.saveDraft}</Button>
          : <Button onClick={() => void publish()} loading={busy}>{text.kb.publish}</Button>}
      </div>
    </>
  );
}

function Changes({ id }: { id: string }) {
  const diff = useQuery({
    queryKey: ["drafts", id, "diff"],
    queryFn: () => unwrap(api.GET("/api/kb/drafts/{draft_id}/diff", { params: { path: { draft_id: id } } })),
  });
  return <Shown query={diff}>{(data) => <LineDiff lines={readUnified(data.diff)} />}</Shown>;
}

function Chunks({ draft }: { draft: Draft }) {
  const { text } = useSpeech();
  const { chunks, chunks_total } = draft.review;
  return (
    <>
      <ol className={classes.chunks}>
        {chunks.map((chunk) => (
          <li key={chunk.chunk_id}>
            <b>{chunk.headings.join(" › ") || chunk.title}</b>
            <p className="pre dim">{chunk.text}</p>
          </li>
        ))}
      </ol>
      {chunks_total > chunks.length && <p className="dim">{text.kb.firstOf(chunks.length, chunks_total)}</p>}
    </>
  );
}

function Problems({ draft }: { draft: Draft }) {
  const { text, format } = useSpeech();
  const { empty_headings, duplicates } = draft.review;
  if (!empty_headings.length && !duplicates.length) return <p className="dim">{text.kb.noProblems}</p>;
  return (
    <>
      {empty_headings.length > 0 && <h3>{text.kb.emptyHeadings}</h3>}
      <ul className={classes.plain}>
        {empty_headings.map((heading) => (
          <li key={heading.line}><span className="dim num">{text.kb.line(heading.line)}</span> {"#".repeat(heading.level)} {heading.title}</li>
        ))}
      </ul>
      {duplicates.length > 0 && <h3>{text.kb.duplicates}</h3>}
      {duplicates.map(({ first, second, likeness }) => (
        <div key={`${first.chunk_id}${second.chunk_id}`} className={classes.twins}>
          <Tag tone="warn">{format.percent(likeness)}</Tag>
          <div><b>{first.title}</b><p className="pre dim">{first.text}</p></div>
          <div><b>{second.title}</b><p className="pre dim">{second.text}</p></div>
        </div>
      ))}
    </>
  );
}
