import { useQuery } from "@tanstack/react-query";
import { clockOf } from "~/lib/clock";
import { api, unwrap } from "./client";

const LOOK_MS = 30_000;

export const READING_SYSTEM = { queryKey: ["system"], queryFn: () => unwrap(api.GET("/api/system")) };

/** How the service is; looked at again and again while somebody uses it. */
export function useSystem(look_ms = LOOK_MS) {
  return useQuery({ ...READING_SYSTEM, refetchInterval: look_ms });
}

/** What the clock shows where the service runs: calls belong to its days. The browser's, until the service has said. */
export function useServiceClock(): Date {
  const { data, dataUpdatedAt } = useSystem();
  return clockOf(data?.now ?? "", dataUpdatedAt, Date.now());
}
