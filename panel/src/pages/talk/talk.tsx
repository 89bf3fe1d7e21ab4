import { useSpeech } from "~/i18n";
import { Page } from "~/components/page";
import { Chat } from "./chat";
import { Phone } from "./phone";
import classes from "./talk.module.css";

export default function Talk() {
  const { text } = useSpeech();
  return (
    <Page title={text.pages.talk} note={text.talk.note} fixed>
      <div className={classes.columns}>
        <Phone />
        <Chat />
      </div>
    </Page>
  );
}
