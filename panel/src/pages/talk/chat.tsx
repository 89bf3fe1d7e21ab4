import { ActionIcon, Button, Loader, TextInput } from "@mantine/core";
import { IconMessage, IconRefresh, IconSend } from "@tabler/icons-react";
import { useCallback, useEffect, useReducer, useRef, useState, type FormEvent } from "react";
import { KeyDeclined } from "~/api/client";
import { socketTo } from "~/api/socket";
import { Bubble } from "~/components/bubble";
import { Empty } from "~/components/states";
import { useSpeech } from "~/i18n";
import { foldChat, type ChatMessage } from "./chat-state";
import classes from "./talk.module.css";

/** `idle`: not opened yet. A chat is logged as a call is, so a look at the page opens none. */
type Link = "idle" | "opening" | "open" | "closed";

/** The same agent by text. */
export function Chat() {
  const { text } = useSpeech();
  const [turns, tell] = useReducer(foldChat, []);
  const { link, send, reopen } = useChat(tell);
  const [words, setWords] = useState("");
  const end = useRef<HTMLDivElement>(null);
  const waiting = turns.at(-1)?.open ?? false;
  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [turns]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const question = words.trim();
    if (!question || waiting || link !== "open") return;
    tell({ type: "asked", text: question });
    send(question);
    setWords("");
  };
  return (
    <section className={`card ${classes.pane}`} aria-label={text.talk.chat}>
      <header>
        <h2>{text.talk.chat}</h2>
        <span className="grow" />
        <Button variant="default" leftSection={<IconRefresh size={14} />} onClick={reopen}>{text.talk.anew}</Button>
      </header>
      <div className={classes.turns} role="log" aria-label={text.talk.chat} tabIndex={0}>
        {link === "idle" && <Empty icon={IconMessage} title={text.talk.chatReady}>{text.talk.chatReadyHint}</Empty>}
        {link === "closed" && !turns.length && (
          <Empty icon={IconMessage} title={text.talk.chatClosed}>{text.talk.chatClosedHint}</Empty>
        )}
        {turns.map((turn, index) => (
          <Bubble key={index} speaker={turn.speaker} kb={turn.kb} known={turn.known} response_ms={turn.ms?.total}>
            {turn.text || <Loader size={14} type="dots" color="gray" aria-label={text.common.loading} />}
          </Bubble>
        ))}
        {link === "closed" && turns.length > 0 && <p className={classes.over}>{text.talk.chatOver}</p>}
        <div ref={end} />
      </div>
      <form className={classes.ask} onSubmit={submit}>
        <TextInput
          className="grow"
          size="sm"
          aria-label={text.talk.question}
          placeholder={text.talk.question}
          maxLength={4000}
          value={words}
          disabled={link === "closed"}
          onFocus={() => { if (link === "idle") reopen(); }}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
        <ActionIcon type="submit" variant="filled" color="accent" size={36} aria-label={text.talk.send} disabled={!words.trim() || waiting || link !== "open"}>
          <IconSend size={16} />
        </ActionIcon>
      </form>
    </section>
  );
}

function useChat(tell: (message: ChatMessage) => void) {
  const [link, setLink] = useState<Link>("idle");
  const [round, setRound] = useState(0);
  const socket = useRef<WebSocket | null>(null);
  useEffect(() => {
    if (!round) return;
    let over = false;
    setLink("opening");
    tell({ type: "begin" });
    socketTo("/ws?callerId=panel&format=json")
      .then((opened) => {
        if (over) return opened.close();
        socket.current = opened;
        setLink("open");
        opened.onmessage = ({ data }: MessageEvent<string>) => tell(JSON.parse(data) as ChatMessage);
        opened.onclose = () => {
          if (!over) setLink("closed");
        };
      })
      .catch((error: unknown) => {
        if (!over) setLink("closed");
        if (!(error instanceof KeyDeclined) && !(error instanceof Error)) throw error;
      });
    return () => {
      over = true;
      socket.current?.close();
      socket.current = null;
    };
  }, [round, tell]);
  const send = useCallback((question: string) => socket.current?.send(question), []);
  const reopen = useCallback(() => setRound((now) => now + 1), []);
  return { link, send, reopen };
}
