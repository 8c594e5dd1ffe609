import { type Browser, chromium } from "playwright-core";

/** Chromium as a test wants it: no sandbox (it runs as root in a container), and not a word to anybody outside. */
const quietArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function startChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: "/usr/bin/chromium", args: quietArguments });
}
