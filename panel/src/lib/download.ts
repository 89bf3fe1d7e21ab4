import { useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "~/api/client";
import { READING_SYSTEM } from "~/api/system";

/**
 * Have the browser save what a path answers, straight to disk. A link carries no header: where reading takes the key, a
 * ticket stands in its place. What is given rejects with ApiProblem, KeyDeclined.
 */
export function useDownload(): (path: string, query: URLSearchParams, name: string) => Promise<void> {
  const queries = useQueryClient();
  return async (path, query, name) => {
    const { reads_need_key } = await queries.ensureQueryData(READING_SYSTEM);
    const given = new URLSearchParams(query);
    if (reads_need_key) given.set("ticket", (await unwrap(api.POST("/api/tickets"))).ticket);
    const link = document.createElement("a");
    link.href = given.size ? `${path}?${given}` : path;
    link.download = name;
    link.click();
  };
}
