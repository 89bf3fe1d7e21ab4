import { ActionIcon, Menu, Tooltip, useMantineColorScheme } from "@mantine/core";
import {
  IconActivityHeartbeat, IconAdjustments, IconBook2, IconChartBar, IconDeviceDesktop, IconHelpCircle, IconKeyOff,
  IconLanguage, IconMessage2Code, IconMicrophone, IconMoon, IconPhone, IconServerCog, IconSun, type Icon,
} from "@tabler/icons-react";
import { useEffect, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { forgetKey, storedKey } from "~/api/key";
import { useSystem } from "~/api/system";
import { useSpeech } from "~/i18n";
import { useLive } from "~/live/provider";
import classes from "./shell.module.css";
import { useToast } from "./toast";

interface Place {
  path: string;
  icon: Icon;
  name: "calls" | "live" | "talk" | "analytics" | "knowledge" | "prompts" | "settings" | "instruction" | "system";
}

const PLACES: Place[][] = [
  [
    { path: "/", icon: IconPhone, name: "calls" },
    { path: "/live", icon: IconActivityHeartbeat, name: "live" },
    { path: "/talk", icon: IconMicrophone, name: "talk" },
    { path: "/analytics", icon: IconChartBar, name: "analytics" },
  ],
  [
    { path: "/knowledge", icon: IconBook2, name: "knowledge" },
    { path: "/prompts", icon: IconMessage2Code, name: "prompts" },
    { path: "/settings", icon: IconAdjustments, name: "settings" },
  ],
  [
    { path: "/system", icon: IconServerCog, name: "system" },
    { path: "/instruction", icon: IconHelpCircle, name: "instruction" },
  ],
];

/** What stands around every page: where one can go, and how the panel looks and speaks. */
export function Shell({ children }: { children: ReactNode }) {
  const { text } = useSpeech();
  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#page">{text.shell.skip}</a>
      <aside className={classes.side}>
        <div className={classes.brand}>
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={22} height={22} />
          <span>VoxBot</span>
        </div>
        <nav aria-label={text.shell.sections} className={classes.nav}>
          {PLACES.map((group) => (
            <ul key={group[0]?.path}>
              {group.map((place) => <li key={place.path}><PlaceLink {...place} /></li>)}
            </ul>
          ))}
        </nav>
        <div className={classes.foot}>
          <SchemeMenu />
          <LanguageSwitch />
          <KeyButton />
        </div>
      </aside>
      <main id="page" className={classes.main} tabIndex={-1}>{children}</main>
    </div>
  );
}

function PlaceLink({ path, icon: Sign, name }: Place) {
  const { text } = useSpeech();
  const [location] = useLocation();
  const here = path === "/" ? location === "/" || location.startsWith("/calls/") : location.startsWith(path);
  return (
    <Link href={path} className={classes.place} data-here={here || undefined} aria-current={here ? "page" : undefined} title={text.pages[name]}>
      <Sign size={17} stroke={1.6} aria-hidden />
      <span className={classes.name}>{text.pages[name]}</span>
      {name === "live" && <LiveCount />}
      {name === "system" && <AlarmSign />}
    </Link>
  );
}

function LiveCount() {
  const { text } = useSpeech();
  const { calls } = useLive();
  if (!calls.length) return null;
  return <span className={classes.count} aria-label={text.shell.liveNow(calls.length)}>{calls.length}</span>;
}

function AlarmSign() {
  const { text } = useSpeech();
  const { data } = useSystem();
  if (!data?.alarms.length) return null;
  return <span className={classes.alarm} aria-label={text.shell.alarms(data.alarms.length)}>{data.alarms.length}</span>;
}

function SchemeMenu() {
  const { text } = useSpeech();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Sign = { light: IconSun, dark: IconMoon, auto: IconDeviceDesktop }[colorScheme];
  return (
    <Menu position="top-start" withinPortal>
      <Menu.Target>
        <ActionIcon aria-label={text.shell.scheme}><Sign size={17} stroke={1.6} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconSun size={15} />} onClick={() => setColorScheme("light")}>{text.shell.light}</Menu.Item>
        <Menu.Item leftSection={<IconMoon size={15} />} onClick={() => setColorScheme("dark")}>{text.shell.dark}</Menu.Item>
        <Menu.Item leftSection={<IconDeviceDesktop size={15} />} onClick={() => setColorScheme("auto")}>{text.shell.auto}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function LanguageSwitch() {
  const { language, setLanguage } = useSpeech();
  const other = language === "ru" ? "en" : "ru";
  const label = language === "ru" ? "Switch to English" : "Перейти на русский";
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} lang={other} onClick={() => setLanguage(other)}>
        <IconLanguage size={17} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  );
}

function KeyButton() {
  const { text } = useSpeech();
  const toast = useToast();
  const [held, setHeld] = useState(storedKey() !== null);
  useEffect(() => {
    const timer = setInterval(() => setHeld(storedKey() !== null), 1000);
    return () => clearInterval(timer);
  }, []);
  if (!held) return null;
  const forget = () => {
    forgetKey();
    setHeld(false);
    toast.done(text.key.forgotten);
  };
  return (
    <Tooltip label={text.key.forget}>
      <ActionIcon aria-label={text.key.forget} onClick={forget}><IconKeyOff size={17} stroke={1.6} /></ActionIcon>
    </Tooltip>
  );
}
