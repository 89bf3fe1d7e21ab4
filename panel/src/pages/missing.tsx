import { IconMapPinOff } from "@tabler/icons-react";
import { Link } from "wouter";
import { Page } from "~/components/page";
import { Empty } from "~/components/states";
import { useSpeech } from "~/i18n";

export default function Missing() {
  const { text } = useSpeech();
  return (
    <Page title={text.missing.title}>
      <Empty icon={IconMapPinOff} title={text.missing.title}>
        <Link href="/">{text.missing.back}</Link>
      </Empty>
    </Page>
  );
}
