import { ApiProblem, keyedFetch, withQuery } from "~/api/client";
import { storedKey } from "~/api/key";

/**
 * Have the browser save what a path answers. While reading is free the browser streams it to disk by itself; with a
 * key it has to go through memory, since a link carries no header. Throws ApiProblem, KeyDeclined.
 */
export async function download(path: string, query: Record<string, string | undefined>, name: string): Promise<void> {
  const given = Object.fromEntries(Object.entries(query).map(([key, value]) => [key, value ?? ""]));
  const url = withQuery(path, given);
  const probe = new AbortController();
  const needsKey = storedKey() !== null || (await fetch(url, { signal: probe.signal })).status === 401;
  probe.abort();
  if (!needsKey) return save(url, name);
  const response = await keyedFetch(new Request(new URL(url, location.origin)));
  if (!response.ok) throw new ApiProblem("", "http", response.status);
  const blob = URL.createObjectURL(await response.blob());
  save(blob, name);
  setTimeout(() => URL.revokeObjectURL(blob), 60_000);
}

function save(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
