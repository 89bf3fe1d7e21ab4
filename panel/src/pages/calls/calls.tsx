import { Button, Menu, ActionIcon, Kbd, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconDots, IconDownload, IconSearch, IconTrash, IconX } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { api, unwrap } from "~/api/client";
import { Confirm } from "~/components/confirm";
import { Page } from "~/components/page";
import { PeriodPicker } from "~/components/period-picker";
import { Failure } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { useDownload } from "~/lib/download";
import { useHotkey } from "~/lib/hotkeys";
import { useLive } from "~/live/provider";
import classes from "./calls.module.css";
import { EVERYTHING, isLimited, readFilter, STATUSES, writeApiFilter, writeFilter, type Filter } from "./filter";
import { withFresh } from "./refresh";
import { CallTable } from "./table";

const PAGE = 100;
const TYPING_MS = 250;
const SOON_MS = 200;

export default function Calls() {
  const { text, format } = useSpeech();
  const [query, setQuery] = useSearchParams();
  const filter = useMemo(() => readFilter(query), [query]);
  const change = (part: Partial<Filter>) => setQuery((now) => writeFilter({ ...readFilter(now), ...part }), { replace: true });
  const calls = useCalls(filter);
  const rows = useMemo(() => calls.data?.pages.flatMap((page) => page.items) ?? [], [calls.data]);
  const first = calls.data?.pages[0];
  return (
    <Page
      title={text.pages.calls}
      fixed
      note={first && <span className="num">{text.calls.total(first.total, !first.total_is_exact, format.number)}</span>}
      actions={<Actions filter={filter} />}
    >
      <div className={classes.bar}>
        <Search value={filter.q} onChange={(q) => change({ q })} />
        <StatusChips chosen={filter.status} onChange={(status) => change({ status })} />
        <Select
          aria-label={text.calls.kb}
          w={150}
          data={[
            { value: "", label: text.calls.anyKb },
            { value: "general", label: "[general]" },
            { value: "tech", label: "[tech]" },
            { value: "none", label: text.calls.noKb },
          ]}
          value={filter.kb}
          onChange={(kb) => change({ kb: (kb ?? "") as Filter["kb"] })}
        />
        <button type="button" className={classes.chip} aria-pressed={filter.unanswered} onClick={() => change({ unanswered: !filter.unanswered })}>
          {text.calls.unansweredOnly}
        </button>
        <PeriodPicker value={filter} onChange={(period) => change(period)} clearable />
        {isLimited(filter) && (
          <Button variant="subtle" color="gray" leftSection={<IconX size={14} />} onClick={() => setQuery(writeFilter({ ...EVERYTHING, sort: filter.sort }), { replace: true })}>
            {text.calls.reset}
          </Button>
        )}
      </div>
      {calls.error ? (
        <Failure error={calls.error} again={() => void calls.refetch()} />
      ) : (
        <CallTable
          rows={rows}
          loading={calls.isPending}
          stale={calls.isPlaceholderData}
          hasMore={calls.hasNextPage}
          loadMore={() => { if (!calls.isFetchingNextPage) void calls.fetchNextPage(); }}
          filter={filter}
          onSort={(sort) => change({ sort })}
        />
      )}
    </Page>
  );
}

async function readPage(filter: Filter, cursor: string, signal?: AbortSignal) {
  const query = {
    q: filter.q,
    date_from: filter.from,
    date_to: filter.to,
    status: filter.status,
    ...(filter.kb ? { kb: filter.kb } : {}),
    unanswered: filter.unanswered,
    sort: filter.sort,
    limit: PAGE,
    cursor,
  };
  return unwrap(api.GET("/api/calls", { signal, params: { query } }));
}

/** Pages of calls; the first is read again when a live call ends. */
function useCalls(filter: Filter) {
  const calls = useInfiniteQuery({
    queryKey: ["calls", filter],
    queryFn: ({ pageParam, signal }) => readPage(filter, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  useFreshTop(filter);
  return calls;
}

function useFreshTop(filter: Filter) {
  const queries = useQueryClient();
  const { ended } = useLive();
  const seen = useRef(ended);
  useEffect(() => {
    if (ended === seen.current) return;
    seen.current = ended;
    const queryKey = ["calls", filter];
    const stopping = new AbortController();
    const refresh = async () => {
      const fresh = await readPage(filter, "", stopping.signal);
      const old = queries.getQueryData<InfiniteData<typeof fresh, string>>(queryKey);
      if (!old) return;
      const pages = withFresh(old.pages, fresh);
      if (pages) queries.setQueryData(queryKey, { pages, pageParams: old.pageParams.slice(0, pages.length) });
      else queries.setQueryData(queryKey, { pages: [fresh], pageParams: [""] });
    };
    // Calls may end by the dozen: a reading that is under way is outdated by the next, and waits a little for it.
    const timer = setTimeout(() => void refresh().catch(() => undefined), SOON_MS);
    return () => { clearTimeout(timer); stopping.abort(); };
  }, [ended, filter, queries]);
}

function Search({ value, onChange }: { value: string; onChange: (q: string) => void }) {
  const { text } = useSpeech();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(value);
  const tell = useDebouncedCallback(onChange, TYPING_MS);
  useEffect(() => setTyped(value), [value]);
  useHotkey("/", () => input.current?.focus());
  const type = (q: string) => {
    setTyped(q);
    tell(q);
  };
  return (
    <TextInput
      ref={input}
      className={classes.search}
      type="search"
      aria-label={text.calls.search}
      placeholder={text.calls.search}
      leftSection={<IconSearch size={15} stroke={1.6} />}
      rightSection={typed ? null : <Kbd size="xs">/</Kbd>}
      value={typed}
      onChange={(event) => type(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          if (typed) type("");
          else input.current?.blur();
        }
        if (event.key === "ArrowDown" || event.key === "Enter") {
          event.preventDefault();
          document.querySelector<HTMLElement>('[role="grid"]')?.focus();
        }
      }}
    />
  );
}

function StatusChips({ chosen, onChange }: { chosen: Filter["status"]; onChange: (status: Filter["status"]) => void }) {
  const { text } = useSpeech();
  return (
    <div className={classes.chips} role="group" aria-label={text.calls.status}>
      {STATUSES.map((status) => {
        const on = chosen.includes(status);
        return (
          <button
            key={status}
            type="button"
            className={classes.chip}
            aria-pressed={on}
            onClick={() => onChange(on ? chosen.filter((other) => other !== status) : [...chosen, status])}
          >
            {text.status[status]}
          </button>
        );
      })}
    </div>
  );
}

function Actions({ filter }: { filter: Filter }) {
  const { text } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const download = useDownload();
  const exportCsv = () =>
    download("/logs/csv", writeApiFilter(filter), "calls.csv")
      .then(() => toast.done(text.calls.exported), toast.failed);
  const deleteAll = async () => {
    setAsking(false);
    try {
      const { deleted } = await unwrap(api.DELETE("/logs"));
      toast.done(text.calls.deleted(deleted));
      await queries.invalidateQueries({ queryKey: ["calls"] });
    } catch (error) {
      toast.failed(error);
    }
  };
  return (
    <>
      <Button variant="default" leftSection={<IconDownload size={15} stroke={1.6} />} onClick={() => void exportCsv()}>CSV</Button>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon variant="default" size={30} aria-label={text.common.more}><IconDots size={16} /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item color="red" leftSection={<IconTrash size={15} />} onClick={() => setAsking(true)}>{text.calls.deleteAll}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Confirm
        opened={asking}
        title={text.calls.deleteAllTitle}
        action={text.calls.deleteAll}
        danger
        onCancel={() => setAsking(false)}
        onConfirm={() => void deleteAll()}
      >
        {text.calls.deleteAllWhy}
      </Confirm>
    </>
  );
}
