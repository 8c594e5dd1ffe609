import { chmod, link, lutimes, mkdir, open, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { mustRun } from "./run.ts";

/** A stream of bytes that are the same for the same seed and don't compress. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = (seed + 1) | 0;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}

/** Text that compresses as text does. */
export function prose(length: number, seed: number): Buffer {
  const words = [
    "backup",
    "restore",
    "the",
    "of",
    "and",
    "snapshot",
    "whole",
    "file",
    "byte",
    "key",
    "server",
    "blind",
    "\n",
  ];
  let state = (seed + 1) | 0;
  let text = "";
  while (text.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    text += `${words[(state >>> 8) % words.length] ?? ""} `;
  }
  return Buffer.from(text.slice(0, length));
}

/**
 * Fills a folder with everything that a file system can hold and a backup must bring back: odd names, links, devices, modes, nanosecond
 * times, attributes, ACLs, holes. Devices and owners need root.
 */
export async function fillWithEverything(root: string): Promise<void> {
  const file = async (name: string | Buffer, content: string | Uint8Array) => {
    const path = typeof name === "string" ? join(root, name) : Buffer.concat([Buffer.from(`${root}/`), name]);
    if (typeof path === "string") await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  };
  await mkdir(root, { recursive: true });
  await file("notes.txt", "first\n");
  await file("empty", "");
  await file("big/noise.bin", noise(5_000_000, 1));
  await file("big/prose.txt", prose(3_000_000, 2));
  await file("big/same.bin", noise(5_000_000, 1));
  await file("föbärß 日本 😀.txt", "unicode");
  await file("a<b>&c \"quoted\" 'too' \\ back", "html");
  await file("tab\tand\nnewline", "control");
  await file("soft\u00adhyphen zero\u200dwidth", "invisible");
  await file(Buffer.from([0x62, 0x61, 0x64, 0xff, 0xe4]), "not UTF-8");
  await file("x".repeat(255), "longest name");
  await file("deep/".repeat(40) + "end", "deep");
  await mkdir(join(root, "empty folder"));
  for (let i = 0; i < 300; i++) await file(`many/${i}.txt`, prose(i * 7, i));

  await file("sparse", "begins");
  await truncate(join(root, "sparse"), 50_000_000);
  const sparse = await open(join(root, "sparse"), "r+");
  await sparse.write("middle", 20_000_000);
  await sparse.close();

  await file("links/original", "linked");
  await link(join(root, "links/original"), join(root, "links/hard"));
  await link(join(root, "links/original"), join(root, "hard from afar"));
  await symlink("original", join(root, "links/relative"));
  await symlink("/nowhere/at/all", join(root, "links/dangling"));
  await symlink(Buffer.from([0x2f, 0xff]), Buffer.from(join(root, "links/odd")));

  await mustRun("mkfifo", [join(root, "fifo")]);
  await mustRun("mknod", [join(root, "null"), "c", "1", "3"]);
  await mustRun("mknod", [join(root, "loop"), "b", "7", "0"]);

  await file("modes/setuid", "s");
  await chmod(join(root, "modes/setuid"), 0o4755);
  await file("modes/secret", "s");
  await chmod(join(root, "modes/secret"), 0o000);
  await mkdir(join(root, "modes/sticky"));
  await chmod(join(root, "modes/sticky"), 0o1777);
  await mkdir(join(root, "modes/read-only"));
  await file("modes/read-only/inside", "i");
  await chmod(join(root, "modes/read-only"), 0o555);
  await file("modes/owned", "o");
  await mustRun("chown", ["12345:23456", join(root, "modes/owned")]);

  await mustRun("setfattr", ["-n", "user.comment", "-v", "a value", join(root, "notes.txt")]);
  await mustRun("setfattr", ["-n", "user.empty", join(root, "empty")]);
  await mustRun("setfattr", ["-n", "user.binary", "-v", "0x0001ff", join(root, "empty folder")]);
  await mustRun("setfacl", ["-m", "u:12345:rw", join(root, "links/original")]);
  await mustRun("setfacl", ["-d", "-m", "g:23456:rx", join(root, "empty folder")]);

  await utimes(join(root, "empty"), 0, 0);
  await lutimes(join(root, "links/relative"), 1_000_000_000, 1_000_000_000);
  // The one way to set nanoseconds from outside our own engine.
  await mustRun("touch", ["-d", "2021-03-04T05:06:07.123456789Z", join(root, "notes.txt")]);
  await mustRun("touch", ["-d", "1965-01-01T00:00:00.000000001Z", join(root, "links/original")]);
  await mustRun("touch", ["-d", "2022-10-30T02:30:00.999999999+02:00", join(root, "big")]);
}
