import { Button, Modal } from "@mantine/core";
import { IconHistory } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap } from "~/api/client";
import type { components } from "~/api/schema";
import { LineDiff } from "~/components/diff";
import { KbLabel } from "~/components/labels";
import { Empty, Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { readUnified } from "~/lib/unified";
import classes from "./knowledge.module.css";

type Backup = components["schemas"]["BackupView"];

/** Texts that were in force before. */
export function Backups({ onJob }: { onJob: (id: string) => void }) {
  const { text, format } = useSpeech();
  const [chosen, setChosen] = useState<Backup | null>(null);
  const backups = useQuery({ queryKey: ["backups"], queryFn: () => unwrap(api.GET("/api/kb/backups")) });
  return (
    <div className={classes.padded}>
      <Shown query={backups}>
        {(list) =>
          list.length ? (
            <ul className={`card ${classes.rows}`}>
              {list.map((backup) => (
                <li key={`${backup.kb}/${backup.name}`}>
                  <KbLabel kb={backup.kb} />
                  <b className="num">{format.dateTime(backup.at)}</b>
                  <span className="dim clip grow mono">{backup.name}</span>
                  <span className="dim num">{format.bytes(backup.size_bytes)}</span>
                  <Button variant="default" onClick={() => setChosen(backup)}>{text.kb.compare}</Button>
                </li>
              ))}
            </ul>
          ) : <Empty icon={IconHistory} title={text.kb.noBackups}>{text.kb.noBackupsHint}</Empty>
        }
      </Shown>
      {chosen && <Compare backup={chosen} onClose={() => setChosen(null)} onJob={onJob} />}
    </div>
  );
}

function Compare({ backup, onClose, onJob }: { backup: Backup; onClose: () => void; onJob: (id: string) => void }) {
  const { text, format } = useSpeech();
  const toast = useToast();
  const path = { kb: backup.kb, name: backup.name };
  const diff = useQuery({
    queryKey: ["backups", path],
    queryFn: () => unwrap(api.GET("/api/kb/backups/{kb}/{name}/diff", { params: { path } })),
  });
  const restore = async () => {
    try {
      const accepted = await unwrap(api.POST("/api/kb/backups/{kb}/{name}/restore", { params: { path } }));
      toast.done(text.kb.restoring);
      onJob(accepted.job_id);
      onClose();
    } catch (error) {
      toast.failed(error);
    }
  };
  return (
    <Modal opened onClose={onClose} title={text.kb.sinceThen(format.dateTime(backup.at))} size="80%">
      <Shown query={diff}>{(data) => <LineDiff lines={readUnified(data.diff)} />}</Shown>
      <div className={classes.end}>
        <Button variant="default" onClick={onClose}>{text.common.close}</Button>
        <Button onClick={() => void restore()} disabled={!diff.data?.diff}>{text.kb.restore}</Button>
      </div>
    </Modal>
  );
}
