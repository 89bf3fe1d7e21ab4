import { expect, test } from "vitest";
import { callAddress, callIdOf } from "~/lib/call-address";

test.each(["1772362800.42", "50%", "50%25", "a/b", "SIP/100-0001;1?x#y", "номер 1"])("the id %s survives its address", (id) => {
  expect(callIdOf(new URL(`https://x/logs-ui${callAddress(id)}`).pathname)).toBe(id);
});

test("what is no encoding is taken as it stands", () => {
  expect(callIdOf("/logs-ui/calls/50%")).toBe("50%");
});
