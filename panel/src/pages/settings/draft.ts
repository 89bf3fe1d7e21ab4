/** Changes of settings that are not saved yet. Pure. */

import type { SettingValue, Variable } from "~/api/client";

export type Value = string | number | boolean | null;
type Values = Readonly<Record<string, SettingValue>>;
export type Changes = Readonly<Record<string, Value>>;

/**
 * Note a change; one that comes back to what is in force is none. Null goes back to the default and removes a secret,
 * undefined leaves the setting as it is.
 */
export function withChange(changes: Changes, name: string, value: Value | undefined, now: SettingValue | undefined): Changes {
  const { [name]: _, ...rest } = changes;
  const same = value === undefined || (now && (value === null ? !now.is_set : value === now.value));
  return same ? rest : { ...rest, [name]: value };
}

/** Leave out the changes of these settings. */
export function without(changes: Changes, names: readonly string[]): Changes {
  return Object.fromEntries(Object.entries(changes).filter(([name]) => !names.includes(name)));
}

/** Which of the changed settings others have changed since `over`, to another value than they are to have. */
export function changedByOthers(changes: Changes, over: Values, now: Values): string[] {
  return Object.keys(changes).filter((name) => {
    const [before, after] = [over[name], now[name]];
    const hidden = after?.value === null;
    return before?.tag !== after?.tag && (hidden || after?.value !== changes[name]);
  });
}

/** What is wrong with a number or a text before it is sent: `range`, `required`; null if nothing is. */
export function wrong(variable: Variable, value: Value): "range" | "required" | null {
  if (value === null || value === "") return variable.optional || variable.kind === "text" || value === null ? null : "required";
  if (variable.kind !== "integer" && variable.kind !== "number") return null;
  const number = Number(value);
  if (Number.isNaN(number)) return "range";
  const { minimum, maximum, minimum_excluded, maximum_excluded } = variable;
  if (minimum !== null && (number < minimum || (minimum_excluded && number === minimum))) return "range";
  if (maximum !== null && (number > maximum || (maximum_excluded && number === maximum))) return "range";
  return null;
}

/** Whether a variable is what is looked for: by its name, its words or its group's. */
export function matches(variable: Variable, group: string, wanted: string): boolean {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${variable.name} ${variable.label} ${group}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
