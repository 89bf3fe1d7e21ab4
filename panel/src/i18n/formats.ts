/** How numbers and times are written. The API gives local times of the server without a zone: they are shown as they are. */
export interface Formats {
  number: (value: number, digits?: number) => string;
  ms: (value: number) => string;
  bytes: (value: number) => string;
  percent: (value: number) => string;
  date: (time: string) => string;
  time: (time: string) => string;
  dateTime: (time: string) => string;
  day: (day: string) => string;
  clock: (seconds: number) => string;
  span: (seconds: number) => string;
}

const UNITS = {
  ru: { ms: "мс", s: "с", min: "мин", h: "ч", d: "д", bytes: ["Б", "КБ", "МБ", "ГБ"] },
  en: { ms: "ms", s: "s", min: "min", h: "h", d: "d", bytes: ["B", "KB", "MB", "GB"] },
} as const;

export function makeFormats(language: "ru" | "en"): Formats {
  const locale = language === "ru" ? "ru-RU" : "en-GB";
  const unit = UNITS[language];
  const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" });
  const shortDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const whole = (value: number, digits = 0) =>
    value.toLocaleString(locale, { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const written = (format: Intl.DateTimeFormat) => (at: string) => {
    const moment = parseLocal(at);
    return moment ? format.format(moment).replace(" г.", "") : at;
  };
  return {
    number: whole,
    ms: (value) => (value < 9950 ? `${whole(value)} ${unit.ms}` : `${whole(value / 1000, 1)} ${unit.s}`),
    bytes: (value) => {
      const power = value > 0 ? Math.min(3, Math.floor(Math.log2(value) / 10)) : 0;
      return `${whole(value / 1024 ** power, power > 0 && value / 1024 ** power < 10 ? 1 : 0)} ${unit.bytes[power]}`;
    },
    percent: (value) => `${whole(value * 100)}${language === "ru" ? " " : ""}%`,
    date: written(day),
    time: written(time),
    dateTime: (at) => {
      const moment = parseLocal(at);
      return moment ? `${day.format(moment).replace(" г.", "")}, ${time.format(moment)}` : at;
    },
    day: written(shortDay),
    clock: (seconds) => clock(seconds),
    span: (seconds) => {
      if (seconds < 60) return `${whole(seconds)} ${unit.s}`;
      if (seconds < 3600) return `${whole(Math.floor(seconds / 60))} ${unit.min}`;
      if (seconds < 86_400) return `${whole(Math.floor(seconds / 3600))} ${unit.h} ${whole(Math.floor((seconds % 3600) / 60))} ${unit.min}`;
      return `${whole(Math.floor(seconds / 86_400))} ${unit.d} ${whole(Math.floor((seconds % 86_400) / 3600))} ${unit.h}`;
    },
  };
}

/** Read `2026-03-01`, `2026-03-01T14:05:09` or `…09.300`; null if it is none. */
export function parseLocal(at: string): Date | null {
  const moment = new Date(at.length === 10 ? `${at}T00:00:00` : at.replace(" ", "T"));
  return Number.isNaN(moment.getTime()) ? null : moment;
}

/** `2:05`, `1:00:09`. */
export function clock(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (part: number) => String(part).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Choose a Russian form: `plural(2, "звонок", "звонка", "звонков")`. */
export function plural(count: number, one: string, few: string, many: string): string {
  const rest = Math.abs(count) % 100;
  if (rest >= 11 && rest <= 14) return many;
  if (rest % 10 === 1) return one;
  return rest % 10 >= 2 && rest % 10 <= 4 ? few : many;
}
