import type { ReactNode } from "react";
import { useEffect } from "react";
import classes from "./page.module.css";

interface PageProps {
  title: string;
  /** Beside the title: a count, a state. */
  note?: ReactNode;
  actions?: ReactNode;
  /** Whether the body scrolls by itself (a virtual table does). */
  fixed?: boolean;
  children: ReactNode;
}

/** A page: its heading with actions, and its body. */
export function Page({ title, note, actions, fixed = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · VoxBot`;
  }, [title]);
  return (
    <>
      <header className={classes.head}>
        <h1>{title}</h1>
        {note && <div className={classes.note}>{note}</div>}
        <div className="grow" />
        {actions && <div className={classes.actions}>{actions}</div>}
      </header>
      {fixed ? <div className={classes.fixed}>{children}</div> : <div className={classes.body} tabIndex={0} role="region" aria-label={title}>{children}</div>}
    </>
  );
}
