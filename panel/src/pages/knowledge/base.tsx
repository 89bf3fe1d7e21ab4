import { Button, FileButton, SegmentedControl, TextInput } from "@mantine/core";
import { IconEdit, IconFileUpload, IconSearch } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Suspense, useMemo, useState, type DragEvent } from "react";
import { api, ifStill, unwrap, unwrapTagged, type KbName } from "~/api/client";
import { useKbChanged } from "~/api/job";
import { Loading, Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { headingsOf } from "~/lib/headings";
import { lazyPart } from "~/lib/lazy-part";
import classes from "./knowledge.module.css";

const Rendered = lazyPart(() => import("~/components/markdown"));

const ACCEPTED = ".md,.txt,.docx,.pdf";
/** A line that ends a passage; on the page, a rule. It keeps the number of lines, which headings are found by. */
const BREAK = /^<<->>\s*$/gm;
const MOST_RENDERED_CHARS = 600_000;

/** How a base is read as it is in force. */
export function readingBase(kb: KbName) {
  return { queryKey: ["kb", kb], queryFn: () => unwrapTagged(kb === "general" ? api.GET("/kb") : api.GET("/kb2")) };
}

interface BaseProps {
  kb: KbName;
  onDraft: (id: string) => void;
}

/** One base, rendered or raw, and where a new one is brought in. */
export function Base({ kb, onDraft }: BaseProps) {
  const { text, format } = useSpeech();
  const base = useQuery(readingBase(kb));
  const [form, setForm] = useState("rendered");
  const { upload, edit, busy } = useNewDraft(kb, onDraft);
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) void upload(file);
  };
  return (
    <div
      className={classes.drop}
      data-over={over || undefined}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div className={classes.tools}>
        <SegmentedControl
          aria-label={text.kb.form}
          value={form}
          onChange={setForm}
          data={[{ value: "rendered", label: text.kb.rendered }, { value: "raw", label: text.kb.raw }]}
        />
        {base.data && <span className="dim num">{format.bytes(new Blob([base.data.data.text]).size)}</span>}
        <span className="grow" />
        <span className="dim">{text.kb.dropHint}</span>
        <Button variant="default" leftSection={<IconEdit size={15} />} disabled={!base.data || busy} onClick={() => void edit()}>
          {text.kb.edit}
        </Button>
        <FileButton onChange={(file) => file && void upload(file)} accept={ACCEPTED} resetRef={undefined}>
          {(props) => <Button {...props} leftSection={<IconFileUpload size={15} />} loading={busy}>{text.kb.upload}</Button>}
        </FileButton>
      </div>
      <Shown query={base} lines={14}>{({ data }) => <Text text={data.text} raw={form === "raw" || data.text.length > MOST_RENDERED_CHARS} />}</Shown>
    </div>
  );
}

function Text({ text: whole, raw }: { text: string; raw: boolean }) {
  const { text } = useSpeech();
  const [wanted, setWanted] = useState("");
  const headings = useMemo(() => headingsOf(whole), [whole]);
  const shown = headings.filter(({ title }) => title.toLowerCase().includes(wanted.toLowerCase()));
  if (raw) return <pre className={classes.raw} tabIndex={0}>{whole}</pre>;
  return (
    <div className={classes.reading}>
      <nav aria-label={text.kb.contents} className={classes.contents}>
        <TextInput
          aria-label={text.kb.findHeading}
          placeholder={text.kb.findHeading}
          leftSection={<IconSearch size={14} />}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
        <ul>
          {shown.map(({ line, level, title }) => (
            <li key={line} style={{ paddingLeft: (level - 1) * 12 }}>
              <button type="button" className="clip" title={title} onClick={() => document.getElementById(`line-${line}`)?.scrollIntoView({ block: "start" })}>{title}</button>
            </li>
          ))}
        </ul>
      </nav>
      <div className={classes.scroll} tabIndex={0}>
        <Suspense fallback={<Loading lines={14} />}><Rendered text={whole.replace(BREAK, "***")} /></Suspense>
      </div>
    </div>
  );
}

function useNewDraft(kb: KbName, onDraft: (id: string) => void) {
  const { text } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const changed = useKbChanged();
  const [busy, setBusy] = useState(false);
  const making = async (draft: () => Promise<{ id: string }>) => {
    setBusy(true);
    try {
      onDraft((await draft()).id);
      changed();
    } catch (error) {
      toast.failed(error);
    } finally {
      setBusy(false);
    }
  };
  const upload = (file: File) => {
    const body = new FormData();
    body.set("file", file);
    body.set("kb", kb);
    return making(() =>
      // The schema knows a file as a string of bytes; the body is what the browser makes of the form.
      unwrap(api.POST("/api/kb/drafts/upload", { body: { file: "", kb }, bodySerializer: () => body })),
    );
  };
  const edit = () =>
    making(async () => {
      // As it is now, and not as it was when the page was opened.
      const { data, tag } = await queries.fetchQuery({ ...readingBase(kb), staleTime: 0 });
      const body = { kb, name: text.kb.editName, text: data.text };
      return unwrap(api.POST("/api/kb/drafts", { params: { header: ifStill(tag) }, body }));
    });
  return { upload, edit, busy };
}
