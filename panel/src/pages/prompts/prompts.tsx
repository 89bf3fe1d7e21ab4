import { Button, Kbd, Textarea } from "@mantine/core";
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { IconAlertTriangle, IconDeviceFloppy, IconHistory } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, unwrap } from "~/api/client";
import type { components } from "~/api/schema";
import { Tag } from "~/components/labels";
import { Page } from "~/components/page";
import { Empty, Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { useUnsaved } from "~/lib/unsaved";
import classes from "./prompts.module.css";
import { Version } from "./version";

type Texts = components["schemas"]["PromptTexts"];
export type Field = keyof Texts;

export const FIELDS: readonly Field[] = ["greeting", "contextualize_q_system_prompt", "qa_system_prompt"];
const TYPING_MS = 500;

export default function Prompts() {
  const { text } = useSpeech();
  const saved = useQuery({ queryKey: ["prompts"], queryFn: () => unwrap(api.GET("/api/prompts")) });
  return (
    <Shown query={saved} lines={12}>{(texts) => <Editor saved={texts} title={text.pages.prompts} />}</Shown>
  );
}

function Editor({ saved, title }: { saved: Texts; title: string }) {
  const { text } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const [texts, setTexts] = useState(saved);
  const [busy, setBusy] = useState(false);
  const [version, setVersion] = useState<string | null>(null);
  useEffect(() => setTexts(saved), [saved]);
  const changed = FIELDS.filter((field) => texts[field] !== saved[field]);
  useUnsaved(changed.length > 0, text.common.leave);
  const [settled] = useDebouncedValue(texts, TYPING_MS);
  const check = useQuery({
    queryKey: ["prompts", "check", settled],
    placeholderData: keepPreviousData,
    queryFn: () => unwrap(api.POST("/api/prompts/check", { body: settled })),
  });
  const save = async () => {
    if (!changed.length || busy) return;
    setBusy(true);
    try {
      const change = Object.fromEntries(changed.map((field) => [field, texts[field]]));
      queries.setQueryData(["prompts"], await unwrap(api.POST("/api/prompts", { body: change })));
      await queries.invalidateQueries({ queryKey: ["prompts", "history"] });
      toast.done(text.prompts.saved);
    } catch (error) {
      toast.failed(error);
    } finally {
      setBusy(false);
    }
  };
  useHotkeys([["mod+s", () => void save()]], []);
  return (
    <Page
      title={title}
      note={changed.length > 0 ? text.common.unsaved : text.prompts.note}
      actions={
        <>
          <Button variant="default" disabled={!changed.length} onClick={() => setTexts(saved)}>{text.common.undo}</Button>
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
                onChange={(event) => setTexts({ ...texts, [field]: event.currentTarget.value })}
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
      {version && <Version id={version} onClose={() => setVersion(null)} />}
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
