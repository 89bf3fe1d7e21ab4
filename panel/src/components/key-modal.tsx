import { Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { setKeyAsker } from "~/api/key";
import { useSpeech } from "~/i18n";

type Answer = (key: string | null) => void;

/** Asks for the key when a request needs it. */
export function KeyModal() {
  const { text } = useSpeech();
  const [asked, setAsked] = useState<{ wrong: boolean } | null>(null);
  const [key, setKey] = useState("");
  const answering = useRef<Answer>(() => undefined);

  useEffect(() => {
    setKeyAsker(
      (wrong) =>
        new Promise((resolve) => {
          answering.current = resolve;
          setKey("");
          setAsked({ wrong });
        }),
    );
  }, []);

  const answer = (given: string | null) => {
    setAsked(null);
    answering.current(given);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim()) answer(key.trim());
  };
  return (
    <Modal opened={asked !== null} onClose={() => answer(null)} title={text.key.title} size="sm" returnFocus>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">{text.key.why}</Text>
          <PasswordInput
            data-autofocus
            label={text.key.label}
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
            error={asked?.wrong ? text.key.wrong : null}
            autoComplete="off"
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => answer(null)}>{text.common.cancel}</Button>
            <Button type="submit" disabled={!key.trim()}>{text.key.use}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
