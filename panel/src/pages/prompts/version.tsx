import { Button, Modal } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ifStill, isConflict, unwrap, unwrapTagged, type Tagged } from "~/api/client";
import { LineDiff } from "~/components/diff";
import { Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import type { Field, Texts } from "./prompts";
import classes from "./prompts.module.css";

interface VersionProps {
  id: string;
  /** Of the texts in force that it is compared with. */
  tag: string;
  onRestored: (texts: Tagged<Texts>) => void;
  onClose: () => void;
}

/** An earlier version against the texts in force. */
export function Version({ id, tag, onRestored, onClose }: VersionProps) {
  const { text, format } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const path = { version_id: id };
  const version = useQuery({
    queryKey: ["prompts", "history", id],
    queryFn: () => unwrap(api.GET("/api/prompts/history/{version_id}", { params: { path } })),
  });
  const restore = async () => {
    try {
      const params = { path, header: ifStill(tag) };
      onRestored(await unwrapTagged(api.POST("/api/prompts/history/{version_id}/restore", { params })));
      await queries.invalidateQueries({ queryKey: ["prompts", "history"] });
      toast.done(text.prompts.restored);
      onClose();
    } catch (error) {
      if (isConflict(error, "prompts_changed")) await queries.invalidateQueries({ queryKey: ["prompts"] });
      toast.failed(error);
    }
  };
  return (
    <Modal opened onClose={onClose} size="80%" title={version.data ? text.prompts.versionOf(format.dateTime(version.data.saved_at)) : text.prompts.history}>
      <Shown query={version}>
        {(data) => (
          <>
            <p className="dim">{text.prompts.against}</p>
            {data.diff.length === 0 && <LineDiff lines={[]} />}
            {data.diff.map(({ field, lines }) => (
              <section key={field} className={classes.change}>
                <h3>{text.prompts.fields[field as Field]?.label ?? field}</h3>
                <LineDiff lines={lines} />
              </section>
            ))}
            <div className={classes.end}>
              <Button variant="default" onClick={onClose}>{text.common.close}</Button>
              <Button onClick={() => void restore()} disabled={data.diff.length === 0}>{text.prompts.restore}</Button>
            </div>
          </>
        )}
      </Shown>
    </Modal>
  );
}
