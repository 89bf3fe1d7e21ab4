import { IconArrowDown, IconArrowUp, IconPhoneOff, IconSearchOff } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useLocation } from "wouter";
import type { CallSummary } from "~/api/client";
import { KbLabel, Status, Tag } from "~/components/labels";
import { Empty, Loading } from "~/components/states";
import { useSpeech } from "~/i18n";
import { callAddress } from "~/lib/call-address";
import { useBotClock, useLive } from "~/live/provider";
import type { LiveCall } from "~/live/picture";
import { isLimited, nextSort, type Filter, type Sort, type SortKey } from "./filter";
import classes from "./calls.module.css";

const ROW_PX = 36;
const AHEAD_ROWS = 20;

interface CallTableProps {
  rows: CallSummary[];
  loading: boolean;
  stale: boolean;
  hasMore: boolean;
  loadMore: () => void;
  filter: Filter;
  onSort: (sort: Sort) => void;
}

/** The calls, live ones on top. Only the rows in view are in the page. */
export function CallTable({ rows: logged, loading, stale, hasMore, loadMore, filter, onSort }: CallTableProps) {
  const { text } = useSpeech();
  const [, go] = useLocation();
  const live = useLiveRows(filter);
  const rows = logged.filter(({ id }) => !live.some((call) => call.id === id));
  const [chosen, setChosen] = useState(-1);
  const scroller = useRef<HTMLDivElement>(null);
  const count = live.length + rows.length;
  const virtual = useVirtualizer({ count, getScrollElement: () => scroller.current, estimateSize: () => ROW_PX, overscan: 12 });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= count - AHEAD_ROWS) loadMore();
  }, [hasMore, last, count, loadMore]);
  useEffect(() => setChosen(-1), [filter]);

  const open = (row: number) => {
    const liveCall = live[row];
    const call = rows[row - live.length];
    if (liveCall) go("/live");
    else if (call) go(callAddress(call.id));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PX) - 2);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.min(count - 1, Math.max(0, chosen + step));
      setChosen(next);
      virtual.scrollToIndex(next);
    } else if (event.key === "Enter" && chosen >= 0) open(chosen);
    else if (event.key === "Escape") setChosen(-1);
  };

  return (
    <div className={classes.frame} data-stale={stale || undefined}>
      <div
        ref={scroller}
        className={classes.scroller}
        role="grid"
        aria-label={text.pages.calls}
        aria-rowcount={count + 1}
        aria-busy={loading}
        aria-activedescendant={chosen >= 0 ? `call-row-${chosen}` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <Header sort={filter.sort} onSort={onSort} />
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map(({ index, start }) => {
            const call = rows[index - live.length];
            const liveCall = live[index];
            return (
              <div
                key={liveCall?.id ?? call?.id}
                id={`call-row-${index}`}
                role="row"
                aria-rowindex={index + 2}
                aria-selected={index === chosen}
                className={`${classes.grid} ${classes.line}`}
                data-live={liveCall ? true : undefined}
                style={{ transform: `translateY(${start}px)` }}
                onClick={() => open(index)}
              >
                {liveCall ? <LiveCells call={liveCall} /> : call && <Cells call={call} />}
              </div>
            );
          })}
        </div>
        {loading && <Loading lines={12} height={16} />}
        {!loading && count === 0 && <Nothing limited={isLimited(filter)} />}
      </div>
    </div>
  );
}

function useLiveRows(filter: Filter): LiveCall[] {
  const { calls } = useLive();
  const wanted = filter.status.length === 0 || filter.status.includes("Active");
  const { q, from, to, kb, unanswered } = filter;
  return wanted && !(q || from || to || kb || unanswered) ? calls : [];
}

function Header({ sort, onSort }: { sort: Sort; onSort: (sort: Sort) => void }) {
  const { text } = useSpeech();
  const sortable = (key: SortKey, label: string) => {
    const on = sort.endsWith(key);
    const down = sort.startsWith("-");
    return (
      <div role="columnheader" aria-sort={on ? (down ? "descending" : "ascending") : "none"}>
        <button type="button" className={classes.sort} data-on={on || undefined} onClick={() => onSort(nextSort(sort, key))}>
          {label}
          {on && (down ? <IconArrowDown size={13} aria-hidden /> : <IconArrowUp size={13} aria-hidden />)}
        </button>
      </div>
    );
  };
  return (
    <div role="rowgroup" className={classes.head}>
      <div role="row" aria-rowindex={1} className={classes.grid}>
        <div role="columnheader">{text.calls.status}</div>
        {sortable("start", text.calls.start)}
        {sortable("caller", text.calls.caller)}
        {sortable("duration", text.calls.duration)}
        <div role="columnheader">{text.calls.source}</div>
        <div role="columnheader">{text.calls.said}</div>
        <div role="columnheader">{text.calls.id}</div>
      </div>
    </div>
  );
}

function Cells({ call }: { call: CallSummary }) {
  const { text, format } = useSpeech();
  return (
    <>
      <div role="gridcell"><Status status={call.status} /></div>
      <div role="gridcell" className="num"><span className="dim">{format.day(call.start_time)}</span> {format.time(call.start_time)}</div>
      <div role="gridcell" className="num clip" title={call.caller}>{call.caller}</div>
      <div role="gridcell" className={`num ${classes.right}`}>{call.duration_s === null ? "…" : format.clock(call.duration_s)}</div>
      <div role="gridcell"><KbLabel kb={call.kb} /></div>
      <div role="gridcell" className={classes.said}>
        {call.unanswered > 0 && <Tag tone="warn">{text.calls.unansweredCount(call.unanswered)}</Tag>}
        {call.barge_ins > 0 && <Tag>{text.calls.bargeIns(call.barge_ins)}</Tag>}
        <span className="clip">{call.excerpt}</span>
      </div>
      <div role="gridcell" className={`mono dim clip ${classes.id}`} title={call.id}>{call.id}</div>
    </>
  );
}

function LiveCells({ call }: { call: LiveCall }) {
  const { text, format } = useSpeech();
  const now = useBotClock(true);
  const last = call.turns.at(-1);
  const kb = call.turns.findLast((turn) => turn.kb)?.kb;
  return (
    <>
      <div role="gridcell"><Status status="Active" /></div>
      <div role="gridcell" className="dim">{text.phase[call.phase]}</div>
      <div role="gridcell" className="num clip" title={call.caller}>{call.caller}</div>
      <div role="gridcell" className={`num ${classes.right}`}>{format.clock(now - call.started_at)}</div>
      <div role="gridcell"><KbLabel kb={kb} /></div>
      <div role="gridcell" className={classes.said}><span className="clip">{call.partial || last?.text}</span></div>
      <div role="gridcell" className={`mono dim clip ${classes.id}`} title={call.id}>{call.id}</div>
    </>
  );
}

function Nothing({ limited }: { limited: boolean }) {
  const { text } = useSpeech();
  return limited
    ? <Empty icon={IconSearchOff} title={text.calls.nothingFound}>{text.calls.nothingFoundHint}</Empty>
    : <Empty icon={IconPhoneOff} title={text.calls.none}>{text.calls.noneHint}</Empty>;
}
