import { LineDiff } from "~/components/diff";
import { Conflict, ConflictPart } from "~/components/conflict";
import { Tag } from "~/components/labels";
import { useSpeech } from "~/i18n";
import { compareLines } from "~/lib/words";
import { FIELDS, type Texts } from "./prompts";

interface CollisionProps {
  /** What the edits were made over, and what somebody else has saved meanwhile. */
  over: Texts;
  theirs: Texts;
  edits: Partial<Texts>;
  busy: boolean;
  onMine: () => void;
  /** `rest`: the edits of texts that they have not touched. */
  onTheirs: (rest: Partial<Texts>) => void;
  onClose: () => void;
}

/** Somebody else has saved prompts meanwhile. */
export function Collision({ over, theirs, edits, busy, onMine, onTheirs, onClose }: CollisionProps) {
  const { text } = useSpeech();
  const changed = FIELDS.filter((field) => theirs[field] !== over[field]);
  const both = changed.filter((field) => field in edits && edits[field] !== theirs[field]);
  const rest = Object.fromEntries(Object.entries(edits).filter(([field]) => !both.some((one) => one === field)));
  return (
    <Conflict title={text.conflict.prompts} busy={busy} onMine={onMine} onTheirs={both.length ? () => onTheirs(rest) : undefined} onClose={onClose}>
      <p className="dim">{both.length ? text.conflict.choose : text.conflict.apart}</p>
      {changed.map((field) => (
        <ConflictPart key={field} name={text.prompts.fields[field].label} note={both.includes(field) && <Tag tone="warn">{text.conflict.bothChanged}</Tag>}>
          <LineDiff lines={compareLines(over[field], theirs[field])} />
        </ConflictPart>
      ))}
      {both.map((field) => (
        <ConflictPart key={field} name={text.conflict.yours(text.prompts.fields[field].label)}>
          <LineDiff lines={compareLines(theirs[field], edits[field] ?? "")} />
        </ConflictPart>
      ))}
    </Conflict>
  );
}
