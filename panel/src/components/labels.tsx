import type { CallStatus } from "~/api/client";
import { useSpeech } from "~/i18n";
import classes from "./labels.module.css";

/** `[general]` or `[tech]`: which base an answer came from. The same two words in every language. */
export function KbLabel({ kb }: { kb: "general" | "tech" | "both" | "none" | null | undefined }) {
  if (!kb || kb === "none") return null;
  if (kb === "both") {
    return (
      <span className={classes.pair}>
        <KbLabel kb="general" />
        <KbLabel kb="tech" />
      </span>
    );
  }
  return <span className={`${classes.kb} ${classes[kb]}`}>[{kb}]</span>;
}

/** How a call stands, as a dot and a word. */
export function Status({ status }: { status: string }) {
  const { text } = useSpeech();
  const known = status in text.status ? (status as CallStatus) : null;
  return (
    <span className={`${classes.status} ${known ? classes[known] : ""}`}>
      <i aria-hidden />
      {known ? text.status[known] : status}
    </span>
  );
}

/** A small tag beside something. */
export function Tag({ tone = "plain", children }: { tone?: "plain" | "warn" | "bad" | "ok" | "info"; children: React.ReactNode }) {
  return <span className={`${classes.tag} ${classes[tone]}`}>{children}</span>;
}
