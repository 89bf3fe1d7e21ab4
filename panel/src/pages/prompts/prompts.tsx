import { Button, Kbd, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconAlertTriangle, IconDeviceFloppy, IconHistory } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, ifStill, isConflict, unwrap, unwrapTagged, type Tagged } from "~/api/client";
import type { components } from "~/api/schema";
import { Tag } from "~/components/labels";
import { Page } from "~/components/page";
import { Empty, Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { useHotkey } from "~/lib/hotkeys";
import { useOver } from "~/lib/over";
import { useUnsaved } from "~/lib/unsaved";
import { Collision } from "./collision";
import classes from "./prompts.module.css";
import { Version } from "./version";

export type Texts = components["schemas"]["PromptTexts"];
export type Field = keyof Texts;

export const FIELDS: readonly Field[] = ["greeting", "contextualize_q_system_prompt", "qa_system_prompt"];
const TYPING_MS = 500;
const READING = { queryKey: ["prompts"], queryFn: () => unwrapTagged(api.GET("/api/prompts")) };

export default function Prompts() {
  const { text } = useSpeech();
  const saved = useQuery(READING);
  return (
    <Shown query={saved} lines={12}>{(texts) => <Editor read={texts} title={text.pages.prompts} />}</Shown>
  );
}

function Editor({ read, title }: { read: Tagged<Texts>; title: string }) {
  const { text } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const [edits, setEdits] = useState<Partial<Texts>>({});
  const [busy, setBusy] = useState(false);
  const [version, setVersion] = useState<string | null>(null);
  const [theirs, setTheirs] = useState<Tagged<Texts> | null>(null);
  const changed = FIELDS.filter((field) => field in edits);
  const [over, setOver] = useOver(read, changed.length > 0);
  const texts = useMemo(() => ({ ...over.data, ...edits }), [over, edits]);
  useUnsaved(changed.length > 0, text.common.leave);
  const edit = (field: Field, value: string) =>
    setEdits(({ [field]: _, ...rest }) => (value === over.data[field] ? rest : { ...rest, [field]: value }));
  /** Go on from a state of the prompts with these edits to it. */
  const goOn = (from: Tagged<Texts>, rest: Partial<Texts>) => {
    queries.setQueryData(READING.queryKey, from);
    setOver(from);
    setEdits(rest);
    setTheirs(null);
  };
  const [settled] = useDebouncedValue(texts, TYPING_MS);
  const check = useQuery({
    queryKey: ["prompts", "check", settled],
    placeholderData: keepPreviousData,
    queryFn: () => unwrap(api.POST("/api/prompts/check", { body: settled })),
  });
  const save = async (tag = over.tag) => {
    if (!changed.length || busy) return;
    setBusy(true);
    try {
      const saved = await unwrapTagged(api.POST("/api/prompts", { params: { header: ifStill(tag) }, body: edits }));
      goOn(saved, {});
      await queries.invalidateQueries({ queryKey: ["prompts", "history"] });
      toast.done(text.prompts.saved);
    } catch (error) {
      if (isConflict(error, "prompts_changed")) await READING.queryFn().then(setTheirs, toast.failed);
      else toast.failed(error);
    } finally {
      setBusy(false);
    }
  };
  useHotkey("mod+s", () => void save());
  return (
    <Page
      title={title}
      note={changed.length > 0 ? text.common.unsaved : text.prompts.note}
      actions={
        <>
          <Button variant="default" disabled={!changed.length} onClick={() => setEdits({})}>{text.common.undo}</Button>
          <Button leftSection={<IconDeviceFloppy size={15} />} disabled={!changed.length} loading={busy} onClick={() => void save()} rightSection={<Kbd size="xs" className={classes.kbd}>Ctrl S</Kbd>}>
            {text.common.save}
          </Button>
        </>
      }
    >
      <div className={classes.columns}>
        <div className={classes.fields}>
          {FIELDS.map((field) => (
            <div key={field} className={`card ${classes.field}`}>
              <Textarea
                label={text.prompts.fields[field].label}
                description={text.prompts.fields[field].hint}
                autosize
                minRows={field === "greeting" ? 2 : 6}
                maxRows={field === "greeting" ? 5 : 22}
                value={texts[field]}
                onChange={(event) => edit(field, event.currentTarget.value)}
                classNames={{ input: classes.input }}
              />
              {check.data?.problems.filter((problem) => problem.field === field).map((problem) => (
                <p key={problem.text} className={classes.problem} data-severity={problem.severity} role={problem.severity === "error" ? "alert" : "status"}>
                  <IconAlertTriangle size={14} aria-hidden /> {problem.text}
                </p>
              ))}
            </div>
          ))}
        </div>
        <History onOpen={setVersion} />
      </div>
      {version && <Version id={version} tag={read.tag} onRestored={(restored) => goOn(restored, {})} onClose={() => setVersion(null)} />}
      {theirs && (
        <Collision
          over={over.data}
          theirs={theirs.data}
          edits={edits}
          busy={busy}
          onMine={() => void save(theirs.tag)}
          onTheirs={(rest) => goOn(theirs, rest)}
          onClose={() => setTheirs(null)}
        />
      )}
    </Page>
  );
}

function History({ onOpen }: { onOpen: (id: string) => void }) {
  const { text, format } = useSpeech();
  const history = useInfiniteQuery({
    queryKey: ["prompts", "history"],
    queryFn: ({ pageParam }) => unwrap(api.GET("/api/prompts/history", { params: { query: { cursor: pageParam, limit: 30 } } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return (
    <aside className={`card ${classes.history}`} aria-label={text.prompts.history}>
      <header><h2>{text.prompts.history}</h2></header>
      <Shown query={history} lines={5}>
        {({ pages }) => {
          const versions = pages.flatMap((page) => page.items);
          if (!versions.length) return <Empty icon={IconHistory} title={text.prompts.noHistory}>{text.prompts.noHistoryHint}</Empty>;
          return (
            <ul>
              {versions.map((version) => (
                <li key={version.id}>
                  <button type="button" onClick={() => onOpen(version.id)}>
                    <span className="row">
                      <b className="num">{format.dateTime(version.saved_at)}</b>
                      {version.current && <Tag tone="ok">{text.prompts.current}</Tag>}
                    </span>
                    <span className="dim">{version.changed.map((field) => text.prompts.fields[field as Field]?.short ?? field).join(", ") || text.prompts.first}</span>
                  </button>
                </li>
              ))}
              {history.hasNextPage && <li><Button variant="subtle" fullWidth onClick={() => void history.fetchNextPage()}>{text.common.more}</Button></li>}
            </ul>
          );
        }}
      </Shown>
    </aside>
  );
}
