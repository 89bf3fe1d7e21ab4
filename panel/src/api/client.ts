import createClient from "openapi-fetch";
import { askKey, storedKey } from "./key";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];

export type CallSummary = Schemas["CallSummary"];
export type CallDetails = Schemas["CallDetails"];
export type Turn = Schemas["TurnView"];
export type Source = Schemas["SourceView"];
export type Job = Schemas["JobView"];
export type Draft = Schemas["DraftDetails"];
export type Review = Schemas["ReviewView"];
export type SystemState = Schemas["SystemState"];
export type Analytics = Schemas["Analytics"];
export type Topic = Schemas["TopicView"];
export type Variable = Schemas["VariableView"];
export type SettingValue = Schemas["ValueView"];
export type KbName = "general" | "tech";
export type CallStatus = "Active" | "Completed" | "Transferred" | "Failed";

/** What the API refused, or why it was not reached; `message` is for people. */
export class ApiProblem extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** The viewer was asked for the key and declined: nothing was done, nothing need be said. */
export class KeyDeclined extends Error {}

/** Fetch with the key, when there is one; a 401 asks for it and tries again. */
export async function keyedFetch(input: Request): Promise<Response> {
  let key = storedKey();
  for (;;) {
    const request = input.clone();
    if (key) request.headers.set("X-API-Key", toHeader(key));
    const response = await fetch(request);
    if (response.status !== 401) return response;
    key = await askKey(key !== null);
    if (key === null) throw new KeyDeclined();
  }
}

/** Headers carry Latin-1; the server compares the bytes of UTF-8. */
function toHeader(key: string): string {
  return String.fromCharCode(...new TextEncoder().encode(key));
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: keyedFetch });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Give the body of an answer. Throws ApiProblem, KeyDeclined. */
export async function unwrap<T>(answering: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await answering;
  } catch (error) {
    if (error instanceof KeyDeclined || (error instanceof DOMException && error.name === "AbortError")) throw error;
    throw new ApiProblem("", "unreachable", 0);
  }
  if (!answer.response.ok) throw problemOf(answer.error, answer.response.status);
  return answer.data as T;
}

/** What was read, with the tag that tells this state of it from any other. */
export interface Tagged<T> {
  data: T;
  tag: string;
}

/** Give the body of an answer with its tag. Throws as `unwrap`. */
export async function unwrapTagged<T>(answering: Promise<Answer<T>>): Promise<Tagged<T>> {
  const data = await unwrap(answering);
  return { data, tag: (await answering).response.headers.get("ETag") ?? "" };
}

/** The header that has a save refused if somebody else has changed meanwhile what was read. */
export function ifStill(tag: string): { "If-Match": string } {
  return { "If-Match": tag };
}

/** Whether it was refused for that. */
export function isConflict(error: unknown, ...codes: string[]): boolean {
  return error instanceof ApiProblem && error.status === 409 && codes.includes(error.code);
}

function problemOf(body: unknown, status: number): ApiProblem {
  const problem = (body ?? {}) as { detail?: unknown; code?: unknown };
  const detail = typeof problem.detail === "string" ? problem.detail : "";
  return new ApiProblem(detail, typeof problem.code === "string" ? problem.code : "http", status);
}
