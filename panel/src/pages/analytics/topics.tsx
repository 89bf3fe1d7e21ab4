import { IconMessageQuestion } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, unwrap, type Topic } from "~/api/client";
import { KbLabel, Tag } from "~/components/labels";
import { Empty, Shown } from "~/components/states";
import { useSpeech } from "~/i18n";
import type { Period } from "~/lib/periods";
import classes from "./analytics.module.css";

/** What callers ask, grouped by meaning. */
export function Topics({ period }: { period: Period }) {
  const { text } = useSpeech();
  const topics = useQuery({
    queryKey: ["topics", period],
    staleTime: 60_000,
    queryFn: () => unwrap(api.GET("/api/analytics/questions", { params: { query: { date_from: period.from, date_to: period.to, limit: 12 } } })),
  });
  return (
    <div className={classes.pair}>
      <section className="card">
        <header><h2>{text.analytics.topQuestions}</h2></header>
        <Shown query={topics} lines={6}>{(data) => <List topics={data.top} />}</Shown>
      </section>
      <section className="card">
        <header>
          <h2>{text.analytics.withoutAnswer}</h2>
          <span className="grow" />
          <Link href="/knowledge/gaps">{text.analytics.toGaps}</Link>
        </header>
        <Shown query={topics} lines={6}>{(data) => <List topics={data.unanswered} unanswered />}</Shown>
      </section>
    </div>
  );
}

function List({ topics, unanswered = false }: { topics: Topic[]; unanswered?: boolean }) {
  const { text } = useSpeech();
  if (!topics.length) return <Empty icon={IconMessageQuestion} title={text.analytics.noQuestions} />;
  return (
    <ol className={classes.topics}>
      {topics.map((topic) => (
        <li key={topic.examples[0]}>
          <b className="num">{unanswered ? topic.unanswered : topic.count}</b>
          <div>
            <p title={topic.examples.join("\n")}>{topic.examples[0]}</p>
            <p className="dim row"><KbLabel kb={topic.kb} /> <span className="clip">{topic.title}</span></p>
          </div>
          {!unanswered && topic.unanswered > 0 && <Tag tone="warn">{text.calls.unansweredCount(topic.unanswered)}</Tag>}
        </li>
      ))}
    </ol>
  );
}
