import { Button, Kbd, Switch, TextInput } from "@mantine/core";
import { IconDeviceFloppy, IconSearch, IconSearchOff } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { api, ifStill, isConflict, unwrap, unwrapTagged, type Tagged } from "~/api/client";
import type { components } from "~/api/schema";
import { Page } from "~/components/page";
import { Empty, Failure, Loading } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { useHotkey } from "~/lib/hotkeys";
import { useOver } from "~/lib/over";
import { useUnsaved } from "~/lib/unsaved";
import { Collision } from "./collision";
import { changedByOthers, matches, withChange, without, wrong, type Changes } from "./draft";
import classes from "./settings.module.css";
import { VariableRow } from "./variable-row";

export type Group = components["schemas"]["GroupView"];
export type Values = components["schemas"]["SettingsValues"];

const READING = { queryKey: ["settings", "values"], queryFn: () => unwrapTagged(api.GET("/api/settings/values")) };

export default function Settings() {
  const { text } = useSpeech();
  const schema = useQuery({ queryKey: ["settings", "schema"], staleTime: Infinity, queryFn: () => unwrap(api.GET("/api/settings/schema")) });
  const values = useQuery(READING);
  const error = schema.error ?? values.error;
  if (schema.data && values.data) return <Editor groups={schema.data.groups} read={values.data} />;
  return (
    <Page title={text.pages.settings}>
      {error ? <Failure error={error} again={() => { void schema.refetch(); void values.refetch(); }} /> : <Loading lines={12} />}
    </Page>
  );
}

function Editor({ groups, read }: { groups: Group[]; read: Tagged<Values> }) {
  const { text } = useSpeech();
  const [changes, setChanges] = useState<Changes>({});
  const [wanted, setWanted] = useState("");
  const [onlySet, setOnlySet] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  useHotkey("/", () => search.current?.focus());
  const count = Object.keys(changes).length;
  const [over, setOver] = useOver(read, count > 0);
  const values = over.data;
  useUnsaved(count > 0, text.common.leave);
  const shown = useMemo(
    () =>
      groups
        .map((group) => ({
          ...group,
          variables: group.variables.filter(
            (variable) =>
              (!onlySet || values.values[variable.name]?.is_set || variable.name in changes) && matches(variable, group.title, wanted),
          ),
        }))
        .filter((group) => group.variables.length),
    [groups, wanted, onlySet, values, changes],
  );
  const faulty = groups.some((group) => group.variables.some(({ name, ...rest }) => name in changes && wrong({ name, ...rest }, changes[name] ?? null)));
  const queries = useQueryClient();
  /** Go on from a state of the settings with these changes to it. */
  const goOn = (from: Tagged<Values>, rest: Changes) => {
    queries.setQueryData(READING.queryKey, from);
    setOver(from);
    setChanges(rest);
  };
  const { save, busy, theirs, setTheirs } = useSave(changes, over, (saved) => goOn(saved, {}));
  useHotkey("mod+s", () => { if (count && !faulty && !busy) void save(); });
  return (
    <Page
      title={text.pages.settings}
      fixed
      note={count ? text.settings.changes(count) : values.file}
      actions={
        <>
          <Button variant="default" disabled={!count} onClick={() => setChanges({})}>{text.common.undo}</Button>
          <Button leftSection={<IconDeviceFloppy size={15} />} disabled={!count || faulty} loading={busy} onClick={() => void save()}>{text.common.save}</Button>
        </>
      }
    >
      <div className={classes.columns}>
        <nav className={classes.groups} aria-label={text.settings.groups}>
          <TextInput
            ref={search}
            type="search"
            aria-label={text.settings.search}
            placeholder={text.settings.search}
            leftSection={<IconSearch size={14} />}
            rightSection={wanted ? null : <Kbd size="xs">/</Kbd>}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
            onKeyDown={(event) => { if (event.key === "Escape") setWanted(""); }}
          />
          <Switch label={text.settings.onlySet} checked={onlySet} onChange={(event) => setOnlySet(event.currentTarget.checked)} size="xs" my="sm" />
          <ul>
            {shown.map((group) => (
              <li key={group.name}>
                <button type="button" onClick={() => document.getElementById(`group-${group.name}`)?.scrollIntoView({ block: "start" })}>
                  <span>{group.title}</span>
                  {group.variables.some(({ name }) => name in changes) && <i aria-label={text.common.unsaved} />}
                </button>
              </li>
            ))}
          </ul>
        </nav>
        <div className={classes.list} tabIndex={0} role="region" aria-label={text.pages.settings}>
          {!shown.length && <Empty icon={IconSearchOff} title={text.calls.nothingFound}>{text.settings.nothingHint}</Empty>}
          {shown.map((group) => (
            <section key={group.name} id={`group-${group.name}`} className="card">
              <header><h2>{group.title}</h2></header>
              {group.variables.map((variable) => (
                <VariableRow
                  key={variable.name}
                  variable={variable}
                  now={values.values[variable.name]}
                  changed={variable.name in changes}
                  value={variable.name in changes ? (changes[variable.name] ?? null) : (values.values[variable.name]?.value ?? null)}
                  onChange={(value) => setChanges((old) => withChange(old, variable.name, value, values.values[variable.name]))}
                />
              ))}
            </section>
          ))}
        </div>
      </div>
      {theirs && (
        <Collision
          groups={groups}
          over={values}
          theirs={theirs.data}
          changes={changes}
          busy={busy}
          onMine={() => void save(theirs.tag)}
          onTheirs={(names) => { goOn(theirs, without(changes, names)); setTheirs(null); }}
          onClose={() => setTheirs(null)}
        />
      )}
    </Page>
  );
}

function useSave(changes: Changes, over: Tagged<Values>, onSaved: (saved: Tagged<Values>) => void) {
  const { text } = useSpeech();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const [theirs, setTheirs] = useState<Tagged<Values> | null>(null);
  const send = async (tag: string): Promise<void> => {
    const reset = Object.keys(changes).filter((name) => changes[name] === null);
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null));
    try {
      const params = { header: ifStill(tag) };
      const saved = await unwrapTagged(api.POST("/api/settings/values", { params, body: { values: given, reset } }));
      const { changed: _, needs_restart, ...values } = saved.data;
      onSaved({ data: values, tag: saved.tag });
      setTheirs(null);
      toast.done(needs_restart.length ? text.settings.savedRestart(needs_restart.join(", ")) : text.settings.saved);
    } catch (error) {
      if (!isConflict(error, "settings_changed")) throw error;
      const now = await READING.queryFn();
      // What others have changed elsewhere is none of these changes' business.
      if (changedByOthers(changes, over.data.values, now.data.values).length) setTheirs(now);
      else await send(now.tag);
    }
  };
  const save = async (tag = over.tag) => {
    setBusy(true);
    try {
      await send(tag);
    } catch (error) {
      toast.failed(error);
    } finally {
      setBusy(false);
    }
  };
  return { save, busy, theirs, setTheirs };
}
