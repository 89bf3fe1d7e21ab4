import { Button, Group, Modal, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useSpeech } from "~/i18n";

interface ConfirmProps {
  opened: boolean;
  title: string;
  action: string;
  danger?: boolean;
  onCancel: () => void;
  onConfirm: () => void;
  children: ReactNode;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ opened, title, action, danger = false, onCancel, onConfirm, children }: ConfirmProps) {
  const { text } = useSpeech();
  return (
    <Modal opened={opened} onClose={onCancel} title={title} size="sm">
      <Text size="sm" mb="md">{children}</Text>
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onCancel} data-autofocus>{text.common.cancel}</Button>
        <Button color={danger ? "red" : undefined} onClick={onConfirm}>{action}</Button>
      </Group>
    </Modal>
  );
}
