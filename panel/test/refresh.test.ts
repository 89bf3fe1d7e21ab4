import { expect, test } from "vitest";
import type { CallSummary } from "~/api/client";
import { withFresh } from "~/pages/calls/refresh";

function page(ids: string, next_cursor: string | null) {
  return { items: [...ids].map((id) => ({ id }) as CallSummary), next_cursor, total: 9 };
}

function told(pages: ReturnType<typeof withFresh>) {
  return pages?.map((one) => `${one.items.map(({ id }) => id).join("")}>${one.next_cursor ?? ""}`);
}

test("a new call on top pushes none out of the list", () => {
  expect(told(withFresh([page("dcba", "1"), page("zyx", "2")], page("edcb", "n")))).toEqual(["edcba>1", "zyx>2"]);
});

test("a call that came up from a later page is there once", () => {
  expect(told(withFresh([page("dcba", "1"), page("zyx", "2")], page("ydcb", "n")))).toEqual(["ydcba>1", "zx>2"]);
});

test("a call that is no longer wanted goes", () => {
  expect(told(withFresh([page("dcba", "1"), page("zyx", "2")], page("dbaz", "n")))).toEqual(["dbaz>1", "yx>2"]);
});

test("what has nothing in common is begun anew, and a whole list is the list", () => {
  expect(withFresh([page("dcba", "1")], page("hgfe", "n"))).toBeNull();
  expect(told(withFresh([page("dcba", "1"), page("zyx", "2")], page("ed", null)))).toEqual(["ed>"]);
});
