import { notifications } from "@mantine/notifications";
import { useMemo } from "react";
import { ApiProblem, KeyDeclined } from "~/api/client";
import { useSpeech } from "~/i18n";

export interface Toast {
  done: (message: string) => void;
  failed: (error: unknown) => void;
}

/** Short words about what was done, or why it was not. */
export function useToast(): Toast {
  const { text } = useSpeech();
  return useMemo(
    () => ({
      done: (message) => notifications.show({ message, color: "green", withBorder: true }),
      failed: (error) => {
        if (error instanceof KeyDeclined) return;
        notifications.show({ message: problemText(error, text.common), color: "red", withBorder: true, autoClose: 8000 });
      },
    }),
    [text],
  );
}

export function problemText(error: unknown, words: { unreachable: string; failed: string }): string {
  if (error instanceof ApiProblem) return error.message || (error.status === 0 ? words.unreachable : words.failed);
  return error instanceof Error && error.message ? error.message : words.failed;
}
