import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, unwrap, type Job } from "./client";
import { readEvents } from "./events";
import { whileVisible } from "~/lib/visible";

const AGAIN_MS = 1500;

export function isOver(job: Job): boolean {
  return job.state === "done" || job.state === "failed";
}

/** Follow a job to its end while the page is seen; what its stream does not tell, because it broke, is asked for. */
export function useJob(id: string | null): Job | null {
  const [job, setJob] = useState<Job | null>(null);
  useEffect(() => {
    setJob(null);
    if (!id) return;
    return whileVisible((signal) => void follow(id, signal, setJob));
  }, [id]);
  return job;
}

async function follow(id: string, signal: AbortSignal, tell: (job: Job) => void): Promise<void> {
  let over = false;
  while (!over && !signal.aborted) {
    try {
      await readEvents(`/api/jobs/${encodeURIComponent(id)}/events`, signal, ({ name, data }) => {
        if (name !== "job") return;
        const job = JSON.parse(data) as Job;
        over = isOver(job);
        tell(job);
      });
    } catch {
      // The service may be restarting; the job goes on after it.
    }
    if (!over) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** The jobs that are not over, whoever began them. */
export function useOpenJobs() {
  return useQuery({
    queryKey: ["jobs", "open"],
    queryFn: () => unwrap(api.GET("/api/jobs", { params: { query: { unfinished: true } } })),
    refetchInterval: 5000,
  });
}

/** Have everything read again that depends on the knowledge bases. */
export function useKbChanged() {
  const queries = useQueryClient();
  return () => {
    for (const key of ["kb", "drafts", "backups", "kb-search", "gaps", "jobs", "system"]) {
      void queries.invalidateQueries({ queryKey: [key] });
    }
  };
}
