import { Button, Skeleton, Stack } from "@mantine/core";
import { IconAlertTriangle, type Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { KeyDeclined } from "~/api/client";
import { useSpeech } from "~/i18n";
import classes from "./states.module.css";
import { problemText } from "./toast";

interface EmptyProps {
  icon: Icon;
  title: string;
  children?: ReactNode;
}

/** What stands where there is nothing to show. */
export function Empty({ icon: Sign, title, children }: EmptyProps) {
  return (
    <div className={classes.empty}>
      <Sign size={28} stroke={1.4} aria-hidden />
      <p className={classes.title}>{title}</p>
      {children && <div className={classes.more}>{children}</div>}
    </div>
  );
}

/** What stands where loading has failed. */
export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  const { text } = useSpeech();
  const reason = error instanceof KeyDeclined ? text.key.declined : problemText(error, text.common);
  return (
    <div className={classes.empty} role="alert">
      <IconAlertTriangle size={28} stroke={1.4} aria-hidden className={classes.bad} />
      <p className={classes.title}>{text.common.notLoaded}</p>
      <div className={classes.more}>{reason}</div>
      {again && <Button variant="default" onClick={again} mt="sm">{text.common.again}</Button>}
    </div>
  );
}

/** Grey lines of about the shape of what is coming. */
export function Loading({ lines = 6, height = 18 }: { lines?: number; height?: number }) {
  const { text } = useSpeech();
  return (
    <Stack gap="sm" p="md" role="status" aria-label={text.common.loading}>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={height} width={`${[92, 78, 85, 64, 88, 71][line % 6]}%`} />
      ))}
    </Stack>
  );
}

interface Loaded<T> {
  data: T | undefined;
  error: unknown;
  refetch: () => unknown;
}

/** Show what a query gave, or that it is loading, or why there is nothing. */
export function Shown<T>({ query, lines, children }: { query: Loaded<T>; lines?: number; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failure error={query.error} again={() => void query.refetch()} />;
  return <Loading lines={lines} />;
}
