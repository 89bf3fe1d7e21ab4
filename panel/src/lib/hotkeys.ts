import { useEffect, useRef } from "react";

type Hotkey = "/" | "mod+s";
type Pressed = Pick<KeyboardEvent, "key" | "code" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey">;

const KEYS: Record<Hotkey, { key: string; code: string; mod: boolean; whileTyping: boolean }> = {
  "/": { key: "/", code: "Slash", mod: false, whileTyping: false },
  "mod+s": { key: "s", code: "KeyS", mod: true, whileTyping: true },
};

/**
 * Whether it is this hotkey that was pressed: by its character, or, on a layout without Latin letters, by its place on
 * the keyboard. Where a Latin letter stands in that place, it is the letter that was meant.
 */
export function isPressed(hotkey: Hotkey, event: Pressed): boolean {
  const { key, code, mod } = KEYS[hotkey];
  if (event.altKey || (event.ctrlKey || event.metaKey) !== mod) return false;
  if (event.key.toLowerCase() === key) return mod ? !event.shiftKey : true;
  return event.code === code && !event.shiftKey && !/^[a-z]$/i.test(event.key);
}

/** Do something when a hotkey is pressed anywhere on the page. */
export function useHotkey(hotkey: Hotkey, act: () => void): void {
  const acting = useRef(act);
  useEffect(() => {
    acting.current = act;
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!isPressed(hotkey, event) || (!KEYS[hotkey].whileTyping && isTyping(event.target))) return;
      event.preventDefault();
      acting.current();
    };
    document.documentElement.addEventListener("keydown", pressed);
    return () => document.documentElement.removeEventListener("keydown", pressed);
  }, [hotkey]);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}
