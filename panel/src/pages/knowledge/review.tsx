import { Button, Drawer, Tabs, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, ifStill, isConflict, unwrap, unwrapTagged, type Draft, type Tagged } from "~/api/client";
import { LineDiff } from "~/components/diff";
import { Tag } from "~/components/labels";
import { Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { useOver } from "~/lib/over";
import { readUnified } from "~/lib/unified";
import { useUnsaved } from "~/lib/unsaved";
import { BaseCollision, DraftCollision, type Meanwhile } from "./collision";
import classes from "./knowledge.module.css";
import { Trial } from "./trial";

function readingDraft(id: string) {
  const path = { draft_id: id };
  return { queryKey: ["drafts", id], queryFn: () => unwrapTagged(api.GET("/api/kb/drafts/{draft_id}", { params: { path } })) };
}

/** `asked`: a collision waits for its choice. */
type Edits = "none" | "unsaved" | "asked";

interface ReviewProps {
  id: string | null;
  onClose: () => void;
  onPublished: (job: string) => void;
}

/** A draft before it goes live: what would come of it. */
export function Review({ id, onClose, onPublished }: ReviewProps) {
  const { text } = useSpeech();
  const draft = useQuery({ ...readingDraft(id ?? ""), enabled: id !== null });
  const name = draft.data?.data.name;
  const [edits, setEdits] = useState<Edits>("none");
  useUnsaved(edits !== "none", text.common.leave);
  const close = () => {
    if (edits !== "unsaved" || window.confirm(text.kb.leaveDraft)) onClose();
  };
  // A question that stands over the drawer is answered first: Esc and a click beside it are its own.
  const free = edits !== "asked";
  return (
    <Drawer opened={id !== null} onClose={close} closeOnEscape={free} closeOnClickOutside={free} position="right" size="min(1080px, 92vw)" title={name ? text.kb.reviewOf(name) : text.kb.review} classNames={{ body: classes.drawer, content: classes.drawerContent }}>
      {id !== null && <Shown query={draft} lines={12}>{(read) => <Body key={read.data.id} read={read} onEdits={setEdits} onClose={close} onPublished={onPublished} />}</Shown>}
    </Drawer>
  );
}

interface BodyProps {
  read: Tagged<Draft>;
  onEdits: (edits: Edits) => void;
  onClose: () => void;
  onPublished: (job: string) => void;
}

function Body({ read, onEdits, onClose, onPublished }: BodyProps) {
  const { text } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const [edited, setEdited] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [theirs, setTheirs] = useState<Tagged<Draft> | null>(null);
  const [baseChanged, setBaseChanged] = useState(false);
  const [over, setOver] = useOver(read, edited !== null);
  const draft = over.data;
  const words = edited ?? draft.text;
  const changed = edited !== null;
  const path = { draft_id: draft.id };
  const edits: Edits = theirs || baseChanged ? "asked" : changed ? "unsaved" : "none";
  useEffect(() => {
    onEdits(edits);
    return () => onEdits("none");
  }, [edits, onEdits]);
  /** Go on from a state of the draft without edits. */
  const goOn = async (from: Tagged<Draft>) => {
    queries.setQueryData(readingDraft(draft.id).queryKey, from);
    setOver(from);
    setEdited(null);
    setTheirs(null);
    await queries.invalidateQueries({ queryKey: ["drafts", draft.id, "diff"] });
  };
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
  const save = (tag = over.tag) =>
    doing(async () => {
      try {
        const body = { text: words, base: draft.base };
        await goOn(await unwrapTagged(api.PUT("/api/kb/drafts/{draft_id}", { params: { path, header: ifStill(tag) }, body })));
        toast.done(text.kb.draftSaved);
      } catch (error) {
        if (!isConflict(error, "draft_changed")) throw error;
        setTheirs(await readingDraft(draft.id).queryFn());
      }
    });
  const publish = (over_changes = false) =>
    doing(async () => {
      try {
        const params = { path, query: { over_changes }, header: ifStill(over.tag) };
        const accepted = await unwrap(api.POST("/api/kb/drafts/{draft_id}/publish", { params }));
        toast.done(accepted.message);
        onPublished(accepted.job_id);
      } catch (error) {
        if (isConflict(error, "draft_changed")) setTheirs(await readingDraft(draft.id).queryFn());
        else if (isConflict(error, "base_changed")) setBaseChanged(true);
        else throw error;
      }
    });
  /** Go on with what others did to the base in the text; it is saved when it has been looked at. */
  const takeBase = (meanwhile: Meanwhile) => {
    setOver({ ...over, data: { ...draft, base: meanwhile.base, base_changed: false } });
    setEdited(meanwhile.merged);
    setBaseChanged(false);
    toast.done(text.conflict.baseTaken);
  };
  const leaveIt = () => {
    toast.done(text.conflict.draftKept);
    void queries.invalidateQueries({ queryKey: ["kb", draft.kb] });
    onClose();
  };
  const { review } = draft;
  const problems = review.empty_headings.length + review.duplicates.length;
  return (
    <>
      <div className={classes.stats}>
        <span><b className="num">{review.chunks_total}</b> {text.kb.chunks}</span>
        <Tag tone="ok">+{review.added}</Tag>
        <Tag tone="bad">−{review.removed}</Tag>
        {problems > 0 && <Tag tone="warn">{text.kb.problems(problems)}</Tag>}
        {draft.base_changed && <Tag tone="warn">{text.conflict.baseTag}</Tag>}
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
          <Textarea aria-label={text.kb.text} classNames={{ root: classes.editor, wrapper: classes.editor, input: classes.editorInput }} value={words} onChange={({ currentTarget: { value } }) => setEdited(value === draft.text ? null : value)} spellCheck={false} />
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
      {theirs && (
        <DraftCollision
          over={draft.text}
          theirs={theirs.data.text}
          mine={words}
          busy={busy}
          onMine={() => void save(theirs.tag)}
          onTheirs={() => void goOn(theirs)}
          onClose={() => setTheirs(null)}
        />
      )}
      {baseChanged && (
        <BaseCollision id={draft.id} busy={busy} onMine={() => void publish(true)} onTheirs={leaveIt} onTaken={takeBase} onClose={() => setBaseChanged(false)} />
      )}
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
