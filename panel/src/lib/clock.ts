import { parseLocal } from "~/i18n/formats";

/** What a clock shows at `now_ms` that showed `said` (local time without a zone) at `said_at_ms`. Pure. */
export function clockOf(said: string, said_at_ms: number, now_ms: number): Date {
  const shown = parseLocal(said);
  return new Date(shown ? shown.getTime() + now_ms - said_at_ms : now_ms);
}
