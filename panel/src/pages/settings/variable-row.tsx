import { ActionIcon, NumberInput, PasswordInput, Select, Switch, TextInput, Tooltip } from "@mantine/core";
import { IconArrowBackUp, IconTrash } from "@tabler/icons-react";
import type { SettingValue, Variable } from "~/api/client";
import { Tag } from "~/components/labels";
import { useSpeech } from "~/i18n";
import { wrong, type Value } from "./draft";
import classes from "./settings.module.css";

interface VariableRowProps {
  variable: Variable;
  now: SettingValue | undefined;
  value: Value;
  changed: boolean;
  /** Undefined: it is to stay as it is. */
  onChange: (value: Value | undefined) => void;
}

/** One setting: what it means, what it is, and what it may be. */
export function VariableRow({ variable, now, value, changed, onChange }: VariableRowProps) {
  const { text } = useSpeech();
  const fixed = now?.origin === "environment";
  const secret = variable.kind === "secret";
  const removed = secret && changed && value === null;
  const byDefault = secret ? !now?.is_set : now?.origin === "default";
  const undoes = changed && (secret || byDefault);
  const back = undoes ? text.settings.undo : secret ? text.settings.remove : text.settings.reset;
  return (
    <div className={classes.row} data-changed={changed || undefined}>
      <div>
        <label htmlFor={variable.name}>{variable.label}</label>
        <p className={classes.facts}>
          <span className="mono">{variable.name}</span>
          <span>{variable.accepted}</span>
          {!secret && variable.default !== null && variable.default !== "" && <span>{text.settings.byDefault} {shown(variable.default, text)}</span>}
          {variable.needs_restart && <Tag>{text.settings.needsRestart}</Tag>}
          {now?.pending && <Tag tone="warn">{text.settings.pending}</Tag>}
          {fixed && <Tag tone="info">{text.settings.fromEnvironment}</Tag>}
          {secret && now?.is_set && !removed && <Tag tone="ok">{text.settings.isSet}</Tag>}
          {removed && <Tag tone="warn">{text.settings.willBeRemoved}</Tag>}
        </p>
      </div>
      <div className={classes.control}>
        <Control variable={variable} value={value} disabled={fixed} isSet={(now?.is_set ?? false) && !removed} onChange={onChange} />
        <Tooltip label={back}>
          <ActionIcon className={classes.back} aria-label={`${back}: ${variable.name}`} disabled={fixed || (byDefault && !changed)} onClick={() => onChange(undoes ? undefined : null)}>
            {secret && !undoes ? <IconTrash size={15} /> : <IconArrowBackUp size={15} />}
          </ActionIcon>
        </Tooltip>
      </div>
    </div>
  );
}

interface ControlProps {
  variable: Variable;
  value: Value;
  disabled: boolean;
  isSet: boolean;
  onChange: (value: Value | undefined) => void;
}

function Control({ variable, value, disabled, isSet, onChange }: ControlProps) {
  const { text } = useSpeech();
  const fault = wrong(variable, value);
  const error = fault === "range" ? variable.accepted : fault === "required" ? text.settings.required : null;
  const common = { id: variable.name, disabled, error, w: "100%" } as const;
  switch (variable.kind) {
    case "boolean":
      return <Switch id={variable.name} disabled={disabled} checked={(value ?? variable.default) === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
    case "integer":
    case "number":
      return (
        <NumberInput
          {...common}
          value={typeof value === "number" || typeof value === "string" ? value : ""}
          placeholder={String(variable.default ?? "")}
          allowDecimal={variable.kind === "number"}
          suffix={variable.unit ? ` ${variable.unit}` : ""}
          hideControls
          onChange={(next) => onChange(next === "" ? null : next)}
        />
      );
    case "choice":
      return <Select {...common} data={variable.choices} value={String(value ?? variable.default ?? "")} onChange={(next) => onChange(next)} />;
    case "secret":
      return (
        <PasswordInput
          {...common}
          value={typeof value === "string" ? value : ""}
          placeholder={isSet ? "••••••••" : text.settings.notSet}
          autoComplete="new-password"
          onChange={(event) => onChange(event.currentTarget.value || undefined)}
        />
      );
    default:
      return <TextInput {...common} value={String(value ?? "")} placeholder={String(variable.default ?? text.settings.notSet)} onChange={(event) => onChange(event.currentTarget.value)} />;
  }
}

export function shown(value: Value, text: { settings: { on: string; off: string } }): string {
  return typeof value === "boolean" ? (value ? text.settings.on : text.settings.off) : String(value);
}
