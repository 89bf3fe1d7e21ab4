import { Tabs } from "@mantine/core";
import { useState } from "react";
import { useLocation } from "wouter";
import { useOpenJobs } from "~/api/job";
import { Page } from "~/components/page";
import { useSpeech } from "~/i18n";
import { Backups } from "./backups";
import { Base } from "./base";
import { Drafts } from "./drafts";
import { Gaps } from "./gaps";
import { JobBar } from "./job-bar";
import { Review } from "./review";
import { TrySearch } from "./try-search";
import classes from "./knowledge.module.css";

const TABS = ["general", "tech", "search", "gaps", "drafts", "backups"] as const;
type Tab = (typeof TABS)[number];

export default function Knowledge({ tab: asked }: { tab?: string }) {
  const { text } = useSpeech();
  const [, go] = useLocation();
  const tab: Tab = TABS.find((name) => name === asked) ?? "general";
  const [draft, setDraft] = useState<string | null>(null);
  const [job, setJob] = useState<string | null>(null);
  const open = useOpenJobs();
  const publishing = job ?? open.data?.find(({ kind }) => kind === "kb_publish")?.id ?? null;
  return (
    <Page title={text.pages.knowledge} fixed>
      <Tabs value={tab} onChange={(next) => go(`/knowledge/${next}`)} className={classes.tabs} keepMounted={false}>
        <Tabs.List className={classes.list}>
          <Tabs.Tab value="general">{text.kb.general}</Tabs.Tab>
          <Tabs.Tab value="tech">{text.kb.tech}</Tabs.Tab>
          <Tabs.Tab value="search">{text.kb.search}</Tabs.Tab>
          <Tabs.Tab value="gaps">{text.kb.gaps}</Tabs.Tab>
          <Tabs.Tab value="drafts">{text.kb.drafts}</Tabs.Tab>
          <Tabs.Tab value="backups">{text.kb.backups}</Tabs.Tab>
        </Tabs.List>
        <JobBar id={publishing} onOver={() => setJob(null)} />
        <Tabs.Panel value="general" className={classes.panel}><Base kb="general" onDraft={setDraft} /></Tabs.Panel>
        <Tabs.Panel value="tech" className={classes.panel}><Base kb="tech" onDraft={setDraft} /></Tabs.Panel>
        <Tabs.Panel value="search" className={classes.panel}><TrySearch /></Tabs.Panel>
        <Tabs.Panel value="gaps" className={classes.panel}><Gaps onDraft={setDraft} /></Tabs.Panel>
        <Tabs.Panel value="drafts" className={classes.panel}><Drafts onOpen={setDraft} /></Tabs.Panel>
        <Tabs.Panel value="backups" className={classes.panel}><Backups onJob={setJob} /></Tabs.Panel>
      </Tabs>
      <Review id={draft} onClose={() => setDraft(null)} onPublished={(id) => { setDraft(null); setJob(id); }} />
    </Page>
  );
}
