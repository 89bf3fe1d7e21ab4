import { expect, test } from "vitest";
import { EVERYTHING, isLimited, nextSort, readFilter, writeApiFilter, writeFilter } from "~/pages/calls/filter";

test("a filter survives the address of the page", () => {
  const filter = { ...EVERYTHING, q: "машина на 100 кН", from: "2026-03-01", status: ["Failed", "Active"] as const, kb: "tech" as const, unanswered: true, sort: "duration" as const };
  expect(readFilter(writeFilter({ ...filter, status: [...filter.status] }))).toEqual({ ...filter, status: [...filter.status] });
});

test("nothing chosen leaves the address bare", () => {
  expect(writeFilter(EVERYTHING).toString()).toBe("");
});

test("the API is asked for all that the filter says", () => {
  const filter = { ...EVERYTHING, q: "a+b", from: "2026-03-01", to: "2026-03-02", status: ["Failed" as const, "Active" as const], kb: "tech" as const, unanswered: true };
  expect(writeApiFilter(filter).toString()).toBe("q=a%2Bb&date_from=2026-03-01&date_to=2026-03-02&status=Failed&status=Active&kb=tech&unanswered=true");
  expect(writeApiFilter(EVERYTHING).size).toBe(0);
});

test("what an address makes up does not limit", () => {
  expect(readFilter(new URLSearchParams("status=Broken&kb=all&from=yesterday&sort=-id"))).toEqual(EVERYTHING);
});

test("an order is no limit", () => {
  expect(isLimited({ ...EVERYTHING, sort: "caller" })).toBe(false);
  expect(isLimited({ ...EVERYTHING, q: "x" })).toBe(true);
});

test("a column is ordered from its largest first, numbers of callers from A", () => {
  expect(nextSort("-start", "start")).toBe("start");
  expect(nextSort("start", "start")).toBe("-start");
  expect(nextSort("-start", "duration")).toBe("-duration");
  expect(nextSort("-start", "caller")).toBe("caller");
});
