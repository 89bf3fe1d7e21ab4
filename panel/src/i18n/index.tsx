import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { en } from "./en";
import { makeFormats, type Formats } from "./formats";
import { ru, type Texts } from "./ru";

export type Language = "ru" | "en";

const STORED = "voxbot-language";
const TEXTS: Record<Language, Texts> = { ru, en };

interface Speech {
  language: Language;
  text: Texts;
  format: Formats;
  setLanguage: (language: Language) => void;
}

const SpeechContext = createContext<Speech | null>(null);

function stored(): Language {
  try {
    return localStorage.getItem(STORED) === "en" ? "en" : "ru";
  } catch {
    return "ru";
  }
}

/** Gives the panel its language: Russian unless the viewer has chosen English. */
export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(stored);
  useEffect(() => {
    document.documentElement.lang = language;
    try {
      localStorage.setItem(STORED, language);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }, [language]);
  const speech = useMemo(
    () => ({ language, text: TEXTS[language], format: makeFormats(language), setLanguage }),
    [language],
  );
  return <SpeechContext.Provider value={speech}>{children}</SpeechContext.Provider>;
}

export function useSpeech(): Speech {
  const speech = useContext(SpeechContext);
  if (!speech) throw new Error("LanguageProvider is missing");
  return speech;
}
