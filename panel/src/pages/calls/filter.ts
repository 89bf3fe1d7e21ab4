import type { CallStatus } from "~/api/client";

/** What the list of calls is limited to and how it is ordered; the address of the page holds it. */
export interface Filter {
  q: string;
  from: string;
  to: string;
  status: CallStatus[];
  kb: "" | "general" | "tech" | "none";
  unanswered: boolean;
  sort: Sort;
}

export const STATUSES: readonly CallStatus[] = ["Active", "Completed", "Transferred", "Failed"];
export const SORTS = ["start", "-start", "duration", "-duration", "caller", "-caller"] as const;
export type Sort = (typeof SORTS)[number];
export type SortKey = "start" | "duration" | "caller";

export const EVERYTHING: Filter = { q: "", from: "", to: "", status: [], kb: "", unanswered: false, sort: "-start" };

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Read a filter from the query of an address; what is not understood does not limit. */
export function readFilter(query: URLSearchParams): Filter {
  const day = (name: string) => (DAY.test(query.get(name) ?? "") ? (query.get(name) as string) : "");
  const kb = query.get("kb");
  const sort = query.get("sort") as Sort;
  return {
    q: query.get("q") ?? "",
    from: day("from"),
    to: day("to"),
    status: query.getAll("status").filter((value): value is CallStatus => STATUSES.includes(value as CallStatus)),
    kb: kb === "general" || kb === "tech" || kb === "none" ? kb : "",
    unanswered: query.get("unanswered") === "1",
    sort: SORTS.includes(sort) ? sort : EVERYTHING.sort,
  };
}

/** Write a filter as the query of an address: only what differs from everything. */
export function writeFilter(filter: Filter): URLSearchParams {
  const query = new URLSearchParams();
  if (filter.q) query.set("q", filter.q);
  if (filter.from) query.set("from", filter.from);
  if (filter.to) query.set("to", filter.to);
  for (const status of filter.status) query.append("status", status);
  if (filter.kb) query.set("kb", filter.kb);
  if (filter.unanswered) query.set("unanswered", "1");
  if (filter.sort !== EVERYTHING.sort) query.set("sort", filter.sort);
  return query;
}

/** Write a filter as the API takes it. */
export function writeApiFilter(filter: Filter): URLSearchParams {
  const query = new URLSearchParams();
  if (filter.q) query.set("q", filter.q);
  if (filter.from) query.set("date_from", filter.from);
  if (filter.to) query.set("date_to", filter.to);
  for (const status of filter.status) query.append("status", status);
  if (filter.kb) query.set("kb", filter.kb);
  if (filter.unanswered) query.set("unanswered", "true");
  return query;
}

export function isLimited(filter: Filter): boolean {
  return writeFilter({ ...filter, sort: EVERYTHING.sort }).size > 0;
}

/** Order by a column: the first time from the largest (numbers and times) or A to Z, then the other way. */
export function nextSort(now: Sort, column: SortKey): Sort {
  const first: Sort = column === "caller" ? "caller" : `-${column}`;
  const second: Sort = column === "caller" ? "-caller" : column;
  return now === first ? second : first;
}
