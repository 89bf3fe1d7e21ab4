import { Conflict, ConflictPart } from "~/components/conflict";
import { useSpeech } from "~/i18n";
import { changedByOthers, type Changes, type Value } from "./draft";
import type { Group, Values } from "./settings";
import classes from "./settings.module.css";
import { shown } from "./variable-row";

interface CollisionProps {
  groups: Group[];
  /** What the changes were made over, and what somebody else has saved meanwhile. */
  over: Values;
  theirs: Values;
  changes: Changes;
  busy: boolean;
  onMine: () => void;
  /** `names`: the settings that are to stay as they have them. */
  onTheirs: (names: string[]) => void;
  onClose: () => void;
}

/** Somebody else has saved some of the same settings meanwhile. */
export function Collision({ groups, over, theirs, changes, busy, onMine, onTheirs, onClose }: CollisionProps) {
  const { text } = useSpeech();
  const names = changedByOthers(changes, over.values, theirs.values);
  const variables = groups.flatMap(({ variables }) => variables).filter(({ name }) => names.includes(name));
  return (
    <Conflict title={text.conflict.settings} busy={busy} onMine={onMine} onTheirs={() => onTheirs(names)} onClose={onClose}>
      <p className="dim">{text.conflict.choose}</p>
      {variables.map(({ name, label, kind, unit, default: usual }) => {
        const written = (value: Value) => {
          if (kind === "secret") return text.conflict.secret;
          return value === null || value === "" ? text.settings.notSet : `${shown(value, text)}${unit && ` ${unit}`}`;
        };
        const mine = changes[name] ?? null;
        return (
          <ConflictPart key={name} name={label} note={<span className="mono dim">{name}</span>}>
            <dl className={classes.collision}>
              <div><dt>{text.conflict.was}</dt><dd>{written(over.values[name]?.value ?? null)}</dd></div>
              <div><dt>{text.conflict.theirsIs}</dt><dd>{written(theirs.values[name]?.value ?? null)}</dd></div>
              <div><dt>{text.conflict.yoursIs}</dt><dd>{written(mine === null ? usual : mine)}</dd></div>
            </dl>
          </ConflictPart>
        );
      })}
    </Conflict>
  );
}
