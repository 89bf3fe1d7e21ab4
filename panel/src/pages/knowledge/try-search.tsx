import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, unwrap } from "~/api/client";
import type { components } from "~/api/schema";
import { KbLabel, Tag } from "~/components/labels";
import { Empty, Shown } from "~/components/states";
import { useSpeech } from "~/i18n";
import { Score } from "~/components/score";
import classes from "./knowledge.module.css";

type Found = components["schemas"]["SearchView"];
type Kb = "auto" | "general" | "tech";

/** What the search finds for a question, as in a call: the route, the hits, their scores, the fallback. */
export function TrySearch() {
  const { text } = useSpeech();
  const [words, setWords] = useState("");
  const [kb, setKb] = useState<Kb>("auto");
  const [asked, setAsked] = useState<{ q: string; kb: Kb } | null>(null);
  const found = useQuery({
    queryKey: ["kb-search", asked],
    enabled: asked !== null,
    placeholderData: keepPreviousData,
    queryFn: () => unwrap(api.GET("/api/kb/search", { params: { query: asked ?? { q: "" } } })),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (words.trim()) setAsked({ q: words.trim(), kb });
  };
  return (
    <div className={classes.padded}>
      <form className={classes.searchForm} onSubmit={submit}>
        <TextInput
          className="grow"
          size="sm"
          aria-label={text.kb.question}
          placeholder={text.kb.questionExample}
          maxLength={1000}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
        <SegmentedControl
          size="sm"
          aria-label={text.kb.where}
          value={kb}
          onChange={(value) => setKb(value as Kb)}
          data={[{ value: "auto", label: text.kb.auto }, { value: "general", label: "general" }, { value: "tech", label: "tech" }]}
        />
        <Button type="submit" size="sm" leftSection={<IconSearch size={15} />} loading={found.isFetching}>{text.kb.find}</Button>
      </form>
      {asked ? <Shown query={found}>{(data) => <Hits found={data} />}</Shown> : <Empty icon={IconSearch} title={text.kb.tryTitle}>{text.kb.tryHint}</Empty>}
    </div>
  );
}

function Hits({ found }: { found: Found }) {
  const { text, format } = useSpeech();
  return (
    <>
      <dl className={classes.route}>
        <div><dt>{text.kb.heard}</dt><dd>{found.question}</dd></div>
        <div><dt>{text.kb.route}</dt><dd><KbLabel kb={found.route} /></dd></div>
        <div>
          <dt>{text.kb.used}</dt>
          <dd><KbLabel kb={found.used} /> {found.fallback && <Tag tone="warn">{text.kb.fallback}</Tag>}</dd>
        </div>
        <div><dt>{text.kb.threshold}</dt><dd className="num">{format.number(found.threshold, 2)}</dd></div>
        <div><dt>{text.kb.time}</dt><dd className="num">{format.number(found.ms.total, 1)} {text.kb.ms} <span className="dim">({found.embedding === "cached" ? text.kb.cached : text.kb.computed})</span></dd></div>
        {found.unknown.length > 0 && <div><dt>{text.kb.unknownWords}</dt><dd>{found.unknown.join(", ")}</dd></div>}
      </dl>
      <ol className={classes.hits}>
        {found.hits.map((hit) => (
          <li key={hit.chunk_id} className="card" data-below={hit.score < found.threshold || undefined}>
            <div className="row">
              <KbLabel kb={hit.kb} />
              <b className="clip">{hit.title}</b>
              <span className="grow" />
              {hit.score < found.threshold && <Tag tone="warn">{text.kb.below}</Tag>}
              <Score value={hit.score} label={format.number(hit.score, 3)} />
            </div>
            <p className="pre">{hit.text}</p>
          </li>
        ))}
      </ol>
      {!found.hits.length && <Empty icon={IconSearch} title={text.kb.noHits}>{text.kb.noHitsHint}</Empty>}
    </>
  );
}
