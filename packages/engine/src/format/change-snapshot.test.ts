import { expect, test } from "vitest";
import { changeSnapshot } from "./change-snapshot.ts";
import { parseObjectId } from "./ids.ts";

const original = parseObjectId("a".repeat(64));

test.each([
  [
    '{"time":"2024-01-01T00:00:00Z","tree":null,"paths":["/<a>"],"tags":["x"],"label":"rustic\\u003c","delete":{"after":1}}',
    ["y", "z"],
    `{"time":"2024-01-01T00:00:00Z","paths":["/<a>"],"tags":["y","z"],"label":"rustic\\u003c","delete":{"after":1},"original":"${original}"}`,
  ],
  [
    `{"original":"${"b".repeat(64)}","tags":["x"],"in\\"ode":18446744073709551615}`,
    [],
    `{"original":"${original}","in\\"ode":18446744073709551615}`,
  ],
  ["{}", ["a<b"], `{"tags":["a\\u003cb"],"original":"${original}"}`],
])("in %s only tags and original change", (before, tags, after) => {
  const changed = changeSnapshot(new TextEncoder().encode(before), { tags, original });
  expect(new TextDecoder().decode(changed)).toBe(after);
});
