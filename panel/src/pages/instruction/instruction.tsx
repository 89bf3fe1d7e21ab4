import { useQuery } from "@tanstack/react-query";
import { Suspense } from "react";
import { ApiProblem } from "~/api/client";
import { Page } from "~/components/page";
import { Loading, Shown } from "~/components/states";
import { useSpeech } from "~/i18n";
import { lazyPart } from "~/lib/lazy-part";

const Rendered = lazyPart(() => import("~/components/markdown"));

export default function Instruction() {
  const { text, language } = useSpeech();
  const name = language === "ru" ? "instruction.md" : "instruction.en.md";
  const page = useQuery({
    queryKey: ["instruction", name],
    staleTime: Infinity,
    queryFn: async () => {
      const response = await fetch(`${import.meta.env.BASE_URL}${name}`);
      if (!response.ok) throw new ApiProblem("", "http", response.status);
      return response.text();
    },
  });
  return (
    <Page title={text.pages.instruction} actions={<a href={`${import.meta.env.BASE_URL}${name}`}>{name}</a>}>
      <Shown query={page} lines={14}>{(words) => <Suspense fallback={<Loading lines={14} />}><Rendered text={words} /></Suspense>}</Shown>
    </Page>
  );
}
