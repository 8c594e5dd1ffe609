import { expect, test } from "vitest";
import { parseFleetOptions } from "./options.ts";

test("without options three sizes are measured, with TLS", () => {
  expect(parseFleetOptions([])).toMatchObject({
    sides: ["tls"],
    agents: [1000, 3000, 10_000],
    seconds: 120,
    orders: 200,
    due: 1000,
    writePage: false,
  });
});

test("sizes come the smallest first, each once, and 0 leaves them out", () => {
  expect(parseFleetOptions(["--agents", "3000,100,3000"]).agents).toEqual([100, 3000]);
  expect(parseFleetOptions(["--agents", "0", "--due", "0", "--orders", "0"])).toMatchObject({
    agents: [],
    due: 0,
    orders: 0,
  });
});

test("both sides are measured where both are asked for", () => {
  expect(parseFleetOptions(["--proxied"]).sides).toEqual(["proxied"]);
  expect(parseFleetOptions(["--proxied", "--tls"]).sides).toEqual(["tls", "proxied"]);
});

test("a quick run is small and is never written down", () => {
  expect(parseFleetOptions(["--quick"]).agents).toEqual([100, 200]);
  expect(parseFleetOptions(["--quick", "--agents", "50"]).agents).toEqual([50]);
  expect(() => parseFleetOptions(["--quick", "--write"])).toThrow("--quick");
});

test.each([["--agents", "many"], ["--agents", "0,100"], ["--seconds", "-1"], ["--sides"]])(
  "%s %s makes no sense",
  (...args) => {
    expect(() => parseFleetOptions(args.filter((arg) => arg !== undefined))).toThrow(/--/);
  },
);
