import { useQuery } from "@tanstack/react-query";
import { api, ApiProblem, unwrap } from "~/api/client";
import type { components } from "~/api/schema";
import { Conflict, ConflictPart } from "~/components/conflict";
import { LineDiff } from "~/components/diff";
import { Shown } from "~/components/states";
import { useSpeech } from "~/i18n";
import { readUnified } from "~/lib/unified";
import { compareLines } from "~/lib/words";

export type Meanwhile = components["schemas"]["MeanwhileView"];

interface Choice {
  busy: boolean;
  onMine: () => void;
  onTheirs: () => void;
  onClose: () => void;
}

/** Somebody else has written the same draft anew meanwhile. */
export function DraftCollision({ over, theirs, mine, ...choice }: Choice & { over: string; theirs: string; mine: string }) {
  const { text } = useSpeech();
  return (
    <Conflict title={text.conflict.draft} {...choice}>
      <p className="dim">{text.conflict.choose}</p>
      <ConflictPart name={text.conflict.theirsIs}><LineDiff lines={compareLines(over, theirs)} /></ConflictPart>
      <ConflictPart name={text.conflict.yours(text.kb.text)}><LineDiff lines={compareLines(theirs, mine)} /></ConflictPart>
    </Conflict>
  );
}

/** Somebody else has published another base since the draft was made of it. */
export function BaseCollision({ id, onTaken, ...choice }: Choice & { id: string; onTaken: (meanwhile: Meanwhile) => void }) {
  const { text } = useSpeech();
  const params = { path: { draft_id: id } };
  const meanwhile = useQuery({ queryKey: ["drafts", id, "meanwhile"], staleTime: 0, queryFn: () => unwrap(api.GET("/api/kb/drafts/{draft_id}/meanwhile", { params })) });
  const forgotten = meanwhile.error instanceof ApiProblem && meanwhile.error.code === "no_base";
  const against = useQuery({
    queryKey: ["drafts", id, "diff"],
    enabled: forgotten,
    queryFn: () => unwrap(api.GET("/api/kb/drafts/{draft_id}/diff", { params })),
  });
  return (
    <Conflict
      title={text.conflict.base}
      mine={text.conflict.publishMine}
      theirs={text.conflict.leaveBase}
      both={text.conflict.takeBase}
      onBoth={meanwhile.data && (() => onTaken(meanwhile.data))}
      {...choice}
    >
      <p className="dim">{text.conflict.baseChoose}</p>
      {!!meanwhile.data?.both && <p className="dim">{text.conflict.bothPlaces(meanwhile.data.both)}</p>}
      <ConflictPart name={forgotten ? text.conflict.draftAgainst : text.conflict.meanwhile}>
        <Shown query={forgotten ? against : meanwhile}>{({ diff }) => <LineDiff lines={readUnified(diff)} />}</Shown>
      </ConflictPart>
    </Conflict>
  );
}
