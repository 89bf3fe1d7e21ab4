import { Button, Popover } from "@mantine/core";
import { DatePicker } from "@mantine/dates";
import "@mantine/dates/styles.css";
import { IconCalendar, IconX } from "@tabler/icons-react";
import "dayjs/locale/ru";
import { useState } from "react";
import { useServiceClock } from "~/api/system";
import { useSpeech } from "~/i18n";
import { periodOf, presetOf, PRESETS, type Period } from "~/lib/periods";
import classes from "./period-picker.module.css";

interface PeriodPickerProps {
  value: Period;
  onChange: (period: Period) => void;
  /** Whether no period at all may be chosen. */
  clearable?: boolean;
}

/** Presets, and a calendar for any other stretch of days. */
export function PeriodPicker({ value, onChange, clearable = false }: PeriodPickerProps) {
  const { text, format, language } = useSpeech();
  const [open, setOpen] = useState(false);
  const [begun, setBegun] = useState<string | null>(null);
  const today = useServiceClock();
  const preset = presetOf(value, today);
  const some = Boolean(value.from || value.to);
  const custom = some && !preset;
  const label = custom
    ? value.from === value.to ? format.day(value.from) : `${value.from ? format.day(value.from) : "…"} – ${value.to ? format.day(value.to) : "…"}`
    : text.period.other;
  const choose = ([from, to]: [string | null, string | null]) => {
    setBegun(to ? null : from);
    if (from && to) {
      onChange({ from, to });
      setOpen(false);
    }
  };
  return (
    <div className={classes.group} role="group" aria-label={text.period.label}>
      {PRESETS.map((name) => (
        <button
          key={name}
          type="button"
          className={classes.preset}
          aria-pressed={preset === name}
          onClick={() => onChange(preset === name && clearable ? { from: "", to: "" } : periodOf(name, today))}
        >
          {text.period[name]}
        </button>
      ))}
      <Popover opened={open} onChange={setOpen} position="bottom-end" shadow="md" withinPortal trapFocus returnFocus>
        <Popover.Target>
          <button type="button" className={classes.preset} aria-pressed={custom} aria-expanded={open} onClick={() => setOpen(!open)}>
            <IconCalendar size={14} stroke={1.6} aria-hidden /> {label}
          </button>
        </Popover.Target>
        <Popover.Dropdown p="sm">
          <DatePicker
            type="range"
            size="xs"
            locale={language}
            firstDayOfWeek={1}
            allowSingleDateInRange
            maxDate={today}
            value={begun ? [begun, null] : [value.from || null, value.to || null]}
            onChange={choose}
          />
          {clearable && some && (
            <Button variant="subtle" color="gray" fullWidth mt="xs" leftSection={<IconX size={14} />} onClick={() => { onChange({ from: "", to: "" }); setOpen(false); }}>
              {text.period.clear}
            </Button>
          )}
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}
