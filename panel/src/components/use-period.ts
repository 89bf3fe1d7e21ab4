import { useState } from "react";
import { useServiceClock } from "~/api/system";
import { periodOf, presetOf, type Period, type Preset } from "~/lib/periods";

/** A period that is chosen on a page. A preset goes on with the days of the service. */
export function usePeriod(first: Preset): [Period, (period: Period) => void] {
  const today = useServiceClock();
  const [chosen, setChosen] = useState<Preset | Period>(first);
  const choose = (period: Period) => setChosen(presetOf(period, today) ?? period);
  return [typeof chosen === "string" ? periodOf(chosen, today) : chosen, choose];
}
