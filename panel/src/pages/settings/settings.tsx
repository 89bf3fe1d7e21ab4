import { Button, Kbd, Switch, TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconDeviceFloppy, IconSearch, IconSearchOff } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { api, unwrap } from "~/api/client";
import type { components } from "~/api/schema";
import { Page } from "~/components/page";
import { Empty, Failure, Loading } from "~/components/states";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { useUnsaved } from "~/lib/unsaved";
import { matches, withChange, wrong, type Changes } from "./draft";
import classes from "./settings.module.css";
import { VariableRow } from "./variable-row";

type Group = components["schemas"]["GroupView"];
type Values = components["schemas"]["SettingsValues"];

export default function Settings() {
  const { text } = useSpeech();
  const schema = useQuery({ queryKey: ["settings", "schema"], staleTime: Infinity, queryFn: () => unwrap(api.GET("/api/settings/schema")) });
  const values = useQuery({ queryKey: ["settings", "values"], queryFn: () => unwrap(api.GET("/api/settings/values")) });
  const error = schema.error ?? values.error;
  if (schema.data && values.data) return <Editor groups={schema.data.groups} values={values.data} />;
  return (
    <Page title={text.pages.settings}>
      {error ? <Failure error={error} again={() => { void schema.refetch(); void values.refetch(); }} /> : <Loading lines={12} />}
    </Page>
  );
}

function Editor({ groups, values }: { groups: Group[]; values: Values }) {
  const { text } = useSpeech();
  const [changes, setChanges] = useState<Changes>({});
  const [wanted, setWanted] = useState("");
  const [onlySet, setOnlySet] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  useHotkeys([["/", () => search.current?.focus()]]);
  const count = Object.keys(changes).length;
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
  const { save, busy } = useSave(changes, () => setChanges({}));
  useHotkeys([["mod+s", () => { if (count && !faulty) void save(); }]], []);
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
    </Page>
  );
}

function useSave(changes: Changes, onSaved: () => void) {
  const { text } = useSpeech();
  const toast = useToast();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      const reset = Object.keys(changes).filter((name) => changes[name] === null);
      const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null));
      const { changed: _, needs_restart, ...values } = await unwrap(api.POST("/api/settings/values", { body: { values: given, reset } }));
      queries.setQueryData(["settings", "values"], values);
      onSaved();
      toast.done(needs_restart.length ? text.settings.savedRestart(needs_restart.join(", ")) : text.settings.saved);
    } catch (error) {
      toast.failed(error);
    } finally {
      setBusy(false);
    }
  };
  return { save, busy };
}
