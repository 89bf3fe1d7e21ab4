import { Button, Modal } from "@mantine/core";
import type { ReactNode } from "react";
import { useSpeech } from "~/i18n";
import classes from "./conflict.module.css";

interface ConflictProps {
  title: string;
  /** What is done with each choice, if the usual words do not say it. */
  mine?: string;
  theirs?: string;
  busy: boolean;
  onMine: () => void;
  /** Left out where there is nothing of theirs to take. */
  onTheirs?: () => void;
  /** What puts both together, where that can be done. */
  both?: string;
  onBoth?: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** Somebody else has changed the same meanwhile: what they did, and whose is to stay. */
export function Conflict({ title, mine, theirs, both, busy, onMine, onTheirs, onBoth, onClose, children }: ConflictProps) {
  const { text } = useSpeech();
  return (
    <Modal opened onClose={onClose} size="min(960px, 92vw)" title={title}>
      {children}
      <div className={classes.end}>
        <Button variant="subtle" onClick={onClose} data-autofocus>{text.conflict.back}</Button>
        <span className="grow" />
        {onTheirs && <Button variant="default" disabled={busy} onClick={onTheirs}>{theirs ?? text.conflict.theirs}</Button>}
        <Button variant={onBoth ? "default" : "filled"} loading={busy} onClick={onMine}>{mine ?? text.conflict.mine}</Button>
        {onBoth && <Button disabled={busy} onClick={onBoth}>{both}</Button>}
      </div>
    </Modal>
  );
}

/** One thing that has changed, under its name. */
export function ConflictPart({ name, note, children }: { name: string; note?: ReactNode; children: ReactNode }) {
  return (
    <section className={classes.part}>
      <h3>{name} {note}</h3>
      {children}
    </section>
  );
}
