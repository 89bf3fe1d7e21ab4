import { expect, test } from "vitest";
import { EventParser } from "~/api/event-parser";
import { fold, NOTHING, type LiveCall, type LivePicture } from "~/live/picture";
import { foldChat, type ChatMessage, type ChatTurn } from "~/pages/talk/chat-state";
import { foldTalk, SILENCE, type TalkMessage } from "~/talk/conversation";

const BOT = "http://127.0.0.1:9464";

function call(id: string, started_at = 1): LiveCall {
  return {
    id, caller: "+7", kind: "phone", started_at, phase: "listening", phase_since: 1, caller_speaks: false, bot_speaks: false, partial: "",
    stage: null, stage_since: 0, stages: {}, turns: [],
  };
}

function told(...messages: [string, Record<string, unknown>][]): LivePicture {
  return messages.reduce((picture, [name, document]) => fold(picture, { name, document: { bot: BOT, now: 105, ...document } }, 100), NOTHING);
}

test("events come out whole however the stream is cut, and comments are none", () => {
  const parser = new EventParser();
  const stream = ': hello\n\nevent: call\ndata: {"a":\ndata: 1}\n\nevent: ended\r\ndata: {}\r\n\r\n';
  const events = [...stream].flatMap((piece) => parser.push(piece));
  expect(events).toEqual([{ name: "call", data: '{"a":\n1}' }, { name: "ended", data: "{}" }]);
});

test("a call appears, changes and ends", () => {
  const live = told(["bot", { ok: true, detail: "" }], ["snapshot", { calls: [call("a")] }], ["call", { call: call("b") }], ["call", { call: { ...call("a"), partial: "сколько" } }]);
  expect(live.calls.map(({ id, partial }) => [id, partial])).toEqual([["a", "сколько"], ["b", ""]]);
  expect(live.skew_s).toBe(5);
  const after = fold(live, { name: "ended", document: { bot: BOT, id: "a" } }, 100);
  expect(after.calls.map(({ id }) => id)).toEqual(["b"]);
  expect(after.ended).toBe(1);
});

test("a bot that goes away takes only its own calls with it", () => {
  const two = told(["snapshot", { calls: [call("a")] }], ["snapshot", { bot: "other", calls: [call("z")] }], ["bot", { ok: false, detail: "нет" }]);
  expect(two.calls.map(({ id }) => id)).toEqual(["z"]);
  expect(two.bots[BOT]).toEqual({ ok: false, detail: "нет" });
});

test("another tab's picture is taken whole, and calls that are gone count as ended", () => {
  const own = told(["snapshot", { calls: [call("a"), call("b")] }]);
  const theirs = told(["bot", { ok: true, detail: "" }], ["snapshot", { calls: [call("b")] }]);
  const taken = fold(own, { name: "picture", document: { ...theirs } }, 100);
  expect(taken.calls.map(({ id }) => id)).toEqual(["b"]);
  expect(taken.bots).toEqual(theirs.bots);
  expect(taken.ended).toBe(1);
  expect(fold(taken, { name: "picture", document: { ...theirs } }, 100).ended).toBe(1);
});

test("after a time unseen calls may have ended", () => {
  expect(fold(NOTHING, { name: "resumed", document: {} }, 100).ended).toBe(1);
});

test("a call from the browser shows its stages anew for each reply", () => {
  const messages: TalkMessage[] = [
    { type: "started", call_id: "browser-1" },
    { type: "state", phase: "endpointing", caller_speaks: false, bot_speaks: false },
    { type: "stage", stage: "endpoint", ms: 600 },
    { type: "turn", speaker: "user", text: "где вы", ms: {} },
    { type: "stage", stage: "asr", ms: 200 },
  ];
  const talk = messages.reduce(foldTalk, SILENCE);
  expect(talk.stages).toEqual({ endpoint: 600, asr: 200 });
  expect(talk.stage).toBe("search");
  expect(talk.turns).toEqual([{ speaker: "user", text: "где вы", ms: {} }]);
  const next = foldTalk(foldTalk(talk, { type: "state", phase: "speaking", caller_speaks: false, bot_speaks: true }), { type: "state", phase: "endpointing", caller_speaks: false, bot_speaks: false });
  expect(next.stages).toEqual({});
});

test("an answer of the chat grows until it is answered", () => {
  const messages: ChatMessage[] = [
    { type: "greeting", text: "Здравствуйте!" },
    { type: "asked", text: "где вы" },
    { type: "text", text: "Мы " },
    { type: "text", text: "во Владимире." },
    { type: "answered", kb: "general", known: true, ms: { total: 12 } },
  ];
  const turns = messages.reduce<ChatTurn[]>(foldChat, []);
  expect(turns.at(-1)).toEqual({ speaker: "bot", text: "Мы во Владимире.", kb: "general", known: true, ms: { total: 12 }, open: false });
});
