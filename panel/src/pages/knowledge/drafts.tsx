import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { IconFileText, IconTrash } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "~/api/client";
import { KbLabel } from "~/components/labels";
import { Empty, Shown } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import classes from "./knowledge.module.css";

/** Texts that were brought in and are not in force. */
export function Drafts({ onOpen }: { onOpen: (id: string) => void }) {
  const { text, format } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const drafts = useQuery({ queryKey: ["drafts"], queryFn: () => unwrap(api.GET("/api/kb/drafts")) });
  const remove = async (id: string) => {
    try {
      await unwrap(api.DELETE("/api/kb/drafts/{draft_id}", { params: { path: { draft_id: id } } }));
      toast.done(text.kb.draftDeleted);
      await queries.invalidateQueries({ queryKey: ["drafts"] });
    } catch (error) {
      toast.failed(error);
    }
  };
  return (
    <div className={classes.padded}>
      <Shown query={drafts}>
        {(list) =>
          list.length ? (
            <ul className={`card ${classes.rows}`}>
              {list.map((draft) => (
                <li key={draft.id}>
                  <KbLabel kb={draft.kb} />
                  <b className="clip grow">{draft.name}</b>
                  <span className="dim num">{format.dateTime(draft.created_at)}</span>
                  <Button variant="default" onClick={() => onOpen(draft.id)}>{text.kb.review}</Button>
                  <Tooltip label={text.common.delete}>
                    <ActionIcon aria-label={`${text.common.delete}: ${draft.name}`} onClick={() => void remove(draft.id)}><IconTrash size={16} /></ActionIcon>
                  </Tooltip>
                </li>
              ))}
            </ul>
          ) : <Empty icon={IconFileText} title={text.kb.noDrafts}>{text.kb.noDraftsHint}</Empty>
        }
      </Shown>
    </div>
  );
}
