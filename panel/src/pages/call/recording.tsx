import { ActionIcon, Tooltip } from "@mantine/core";
import { IconDownload, IconPlayerPauseFilled, IconPlayerPlayFilled } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useImperativeHandle, useRef, useState, type KeyboardEvent, type MouseEvent, type Ref } from "react";
import { keyedFetch, unwrap, type CallDetails } from "~/api/client";
import { useToast } from "~/components/toast";
import { useSpeech } from "~/i18n";
import { useDownload } from "~/lib/download";
import classes from "./recording.module.css";

export interface Player {
  seek: (offset_s: number) => void;
}

interface Peaks {
  duration_s: number;
  caller: number[];
  bot: number[];
}

interface RecordingProps {
  recording: NonNullable<CallDetails["recording"]>;
  onPosition: (position_s: number) => void;
  ref: Ref<Player>;
}

const POINTS = 400;
const STEP_S = 5;

/** The sound of a call, both sides drawn: the caller above, the bot below. */
export function Recording({ recording, onPosition, ref }: RecordingProps) {
  const { text, format } = useSpeech();
  const toast = useToast();
  const download = useDownload();
  const audio = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const source = useSource(recording.url, audio);
  const peaks = useQuery({
    queryKey: ["peaks", recording.peaks_url],
    staleTime: Infinity,
    queryFn: () => unwrap(peaksOf(recording.peaks_url)),
  });
  const seek = (offset_s: number) => {
    if (!audio.current) return;
    audio.current.currentTime = Math.max(0, Math.min(recording.duration_s, offset_s));
    void audio.current.play().catch(() => undefined);
  };
  useImperativeHandle(ref, () => ({ seek }));
  const move = () => {
    const now = audio.current?.currentTime ?? 0;
    setAt(now);
    onPosition(now);
  };
  const toggle = () => {
    if (!audio.current) return;
    if (audio.current.paused) void audio.current.play().catch(() => undefined);
    else audio.current.pause();
  };
  return (
    <div className={`card ${classes.player}`}>
      <audio
        ref={audio}
        src={source}
        preload="metadata"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={move}
      />
      <ActionIcon variant="filled" color="accent" size={32} radius="xl" onClick={toggle} aria-label={playing ? text.call.pause : text.call.play}>
        {playing ? <IconPlayerPauseFilled size={15} /> : <IconPlayerPlayFilled size={15} />}
      </ActionIcon>
      <Wave peaks={peaks.data} at={at} duration_s={recording.duration_s} onSeek={seek} />
      <span className={`num dim ${classes.time}`}>{format.clock(at)} / {format.clock(recording.duration_s)}</span>
      <Tooltip label={text.call.downloadRecording}>
        <ActionIcon aria-label={text.call.downloadRecording} onClick={() => void download(recording.url, new URLSearchParams(), "call.wav").catch(toast.failed)}>
          <IconDownload size={16} stroke={1.6} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

async function peaksOf(path: string): Promise<{ data?: Peaks; error?: unknown; response: Response }> {
  const response = await keyedFetch(new Request(new URL(`${path}?points=${POINTS}`, location.origin)));
  const body: unknown = await response.json();
  return response.ok ? { data: body as Peaks, response } : { error: body, response };
}

/** The address of the sound; where reading takes the key, which no <audio> can send, it is read as a whole. */
function useSource(url: string, audio: React.RefObject<HTMLAudioElement | null>): string {
  const [source, setSource] = useState(url);
  useEffect(() => {
    const element = audio.current;
    let blob = "";
    const refused = () => {
      if (blob) return;
      void keyedFetch(new Request(new URL(url, location.origin)))
        .then((response) => (response.ok ? response.blob() : null))
        .then((body) => {
          if (body) setSource((blob = URL.createObjectURL(body)));
        })
        .catch(() => undefined);
    };
    element?.addEventListener("error", refused);
    return () => {
      element?.removeEventListener("error", refused);
      if (blob) URL.revokeObjectURL(blob);
    };
  }, [url, audio]);
  return source;
}

interface WaveProps {
  peaks: Peaks | undefined;
  at: number;
  duration_s: number;
  onSeek: (offset_s: number) => void;
}

function Wave({ peaks, at, duration_s, onSeek }: WaveProps) {
  const { text, format } = useSpeech();
  const click = (event: MouseEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    onSeek(((event.clientX - box.left) / box.width) * duration_s);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "ArrowRight") onSeek(at + STEP_S);
    if (event.key === "ArrowLeft") onSeek(at - STEP_S);
  };
  return (
    <div
      className={classes.wave}
      role="slider"
      tabIndex={0}
      aria-label={text.call.position}
      aria-valuemin={0}
      aria-valuemax={Math.round(duration_s)}
      aria-valuenow={Math.round(at)}
      aria-valuetext={format.clock(at)}
      onClick={click}
      onKeyDown={press}
    >
      {peaks && (
        <svg viewBox={`0 0 ${POINTS} 48`} preserveAspectRatio="none" aria-hidden>
          <path className={classes.callerSide} d={outline(peaks.caller, -1)} />
          <path className={classes.botSide} d={outline(peaks.bot, 1)} />
        </svg>
      )}
      <i className={classes.cursor} style={{ left: `${(at / Math.max(duration_s, 0.1)) * 100}%` }} />
    </div>
  );
}

function outline(peaks: number[], side: 1 | -1): string {
  const step = POINTS / Math.max(1, peaks.length);
  return peaks.map((peak, index) => `M${index * step} 24v${side * Math.max(0.6, Math.sqrt(peak) * 22)}h${step * 0.7}V24z`).join("");
}
