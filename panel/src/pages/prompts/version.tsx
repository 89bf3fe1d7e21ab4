import { Button, Modal } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "~/api/client";
import { LineDiff } from "~/components/diff";
import { Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import type { Field } from "./prompts";
import classes from "./prompts.module.css";

/** An earlier version against the texts in force. */
export function Version({ id, onClose }: { id: string; onClose: () => void }) {
  const { text, format } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const options = { params: { path: { version_id: id } } };
  const version = useQuery({
    queryKey: ["prompts", "history", id],
    queryFn: () => unwrap(api.GET("/api/prompts/history/{version_id}", options)),
  });
  const restore = async () => {
    try {
      queries.setQueryData(["prompts"], await unwrap(api.POST("/api/prompts/history/{version_id}/restore", options)));
      await queries.invalidateQueries({ queryKey: ["prompts", "history"] });
      toast.done(text.prompts.restored);
      onClose();
    } catch (error) {
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
