import { Button, Modal, SegmentedControl, Stack, Textarea, TextInput } from "@mantine/core";
import { IconMoodHappy, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, unwrap, type KbName } from "~/api/client";
import type { components } from "~/api/schema";
import { KbLabel } from "~/components/labels";
import { PeriodPicker } from "~/components/period-picker";
import { Score } from "~/components/score";
import { Empty, Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { usePeriod } from "~/components/use-period";
import { useSpeech } from "~/i18n";
import classes from "./knowledge.module.css";

type Gap = components["schemas"]["GapView"];

/** Questions that the bases do not answer, by meaning, each with a way to answer it. */
export function Gaps({ onDraft }: { onDraft: (id: string) => void }) {
  const { text, format } = useSpeech();
  const [period, setPeriod] = usePeriod("month");
  const [adding, setAdding] = useState<Gap | null>(null);
  const gaps = useQuery({
    queryKey: ["gaps", period],
    queryFn: ({ signal }) => unwrap(api.GET("/api/kb/gaps", { signal, params: { query: { since: period.from, until: period.to } } })),
  });
  return (
    <div className={classes.padded}>
      <div className={classes.tools}>
        {gaps.data && <span className="dim">{text.kb.gapsNote(gaps.data.questions, gaps.data.calls)}{!gaps.data.complete && ` · ${text.kb.gapsPart}`}</span>}
        <span className="grow" />
        <PeriodPicker value={period} onChange={(next) => setPeriod({ ...next, to: next.to || next.from })} />
      </div>
      <Shown query={gaps} lines={8}>
        {(data) =>
          data.gaps.length ? (
            <ul className={classes.gaps}>
              {data.gaps.map((gap) => (
                <li key={gap.examples[0]} className="card">
                  <b className={`num ${classes.count}`} aria-label={text.kb.timesAsked(gap.count)}>{gap.count}</b>
                  <div className="grow">
                    <p className={classes.asked}>{gap.examples[0]}</p>
                    {gap.examples.slice(1).map((example) => <p key={example} className="dim">{example}</p>)}
                    <p className={`dim ${classes.nearest}`}>
                      {text.kb.lastAsked} {format.dateTime(gap.last_at)}
                      {gap.nearest && <> · {text.kb.nearest} <KbLabel kb={gap.nearest.kb} /> {gap.nearest.title} <Score value={gap.nearest.score} label={format.number(gap.nearest.score, 2)} /></>}
                    </p>
                  </div>
                  <Button variant="default" leftSection={<IconPlus size={14} />} onClick={() => setAdding(gap)}>{text.kb.addToKb}</Button>
                </li>
              ))}
            </ul>
          ) : <Empty icon={IconMoodHappy} title={text.kb.noGaps}>{text.kb.noGapsHint}</Empty>
        }
      </Shown>
      {adding && <AddSection gap={adding} onClose={() => setAdding(null)} onDraft={(id) => { setAdding(null); onDraft(id); }} />}
    </div>
  );
}

function AddSection({ gap, onClose, onDraft }: { gap: Gap; onClose: () => void; onDraft: (id: string) => void }) {
  const { text } = useSpeech();
  const toast = useToast();
  const [kb, setKb] = useState<KbName>(gap.nearest?.kb ?? "general");
  const [title, setTitle] = useState(capital(gap.examples[0] ?? ""));
  const [answer, setAnswer] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      onDraft((await unwrap(api.POST("/api/kb/drafts/section", { body: { kb, title, text: answer } }))).id);
    } catch (error) {
      toast.failed(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={text.kb.addToKb} size="lg">
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          <SegmentedControl
            aria-label={text.kb.where}
            value={kb}
            onChange={(value) => setKb(value as KbName)}
            data={[{ value: "general", label: text.kb.general }, { value: "tech", label: text.kb.tech }]}
          />
          <TextInput label={text.kb.sectionTitle} value={title} maxLength={200} onChange={(event) => setTitle(event.currentTarget.value)} />
          <Textarea data-autofocus label={text.kb.sectionText} description={text.kb.sectionHint} autosize minRows={5} maxRows={16} value={answer} onChange={(event) => setAnswer(event.currentTarget.value)} />
          <div className={classes.end}>
            <Button variant="default" onClick={onClose}>{text.common.cancel}</Button>
            <Button type="submit" loading={busy} disabled={!title.trim() || !answer.trim()}>{text.kb.toReview}</Button>
          </div>
        </Stack>
      </form>
    </Modal>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/[?!.]+$/, "");
}
