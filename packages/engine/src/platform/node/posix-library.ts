import koffi from "koffi";

/**
 * The C library of this process, for the system calls that Node lacks. Names are bytes. Every call is synchronous and takes microseconds.
 */
export function calls(): Calls {
  loaded ??= load();
  return loaded;
}

/** Gives `result` back, or throws `SystemCallError` if it is below zero. Nothing may run between the call and this: `errno` would be lost. */
export function check(syscall: string, result: number): number {
  if (result < 0) throw new SystemCallError(syscall, koffi.errno());
  return result;
}

/** A system call failed. Shaped as Node's own errors of `fs`, so that one place can judge both. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  /** Such as `ENOENT`. */
  readonly code: string;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = errnoName(errno);
    super(`${code}, ${syscall}`);
    this.code = code;
    this.syscall = syscall;
  }
}

/** A descriptor of an open file or directory. Whoever opened it closes it with `fs.closeSync`. */
export type Descriptor = number;

export const isMac = process.platform === "darwin";

/** The value of several flags differs by platform, and Node names only some of them. */
export const noFollow = isMac ? 0x20 : 0x100;
/** So that a program started meanwhile inherits nothing. */
export const closeOnExec = isMac ? 0x1000000 : 0o2000000;

/** A pointer as koffi gives it. */
export type Pointer = bigint;

/** The C library as we call it. Results below zero mean that `errno` says why. */
export interface Calls {
  openat(directory: number, name: Uint8Array, flags: number, type: "uint", mode: number): number;
  close(descriptor: number): number;
  fdopendir(descriptor: number): Pointer | null;
  readdir(stream: Pointer): Pointer | null;
  closedir(stream: Pointer): number;
  statx(directory: number, name: Uint8Array, flags: number, mask: number, stat: Uint8Array): number;
  fstatat(directory: number, name: Uint8Array, stat: Uint8Array, flags: number): number;
  mkdirat(directory: number, name: Uint8Array, mode: number): number;
  symlinkat(target: Uint8Array, directory: number, name: Uint8Array): number;
  linkat(fromDirectory: number, from: Uint8Array, directory: number, name: Uint8Array, flags: number): number;
  mknodat(directory: number, name: Uint8Array, mode: number, device: bigint): number;
  mkfifoat(directory: number, name: Uint8Array, mode: number): number;
  unlinkat(directory: number, name: Uint8Array, flags: number): number;
  fchownat(directory: number, name: Uint8Array, uid: number, gid: number, flags: number): number;
  fchmodat(directory: number, name: Uint8Array, mode: number, flags: number): number;
  utimensat(directory: number, name: Uint8Array, times: BigInt64Array, flags: number): number;
  futimens(descriptor: number, times: BigInt64Array): number;
  llistxattr(path: Uint8Array, names: Uint8Array | null, size: number): number;
  lsetxattr(path: Uint8Array, attribute: Uint8Array, value: Uint8Array, size: number, flags: number): number;
  lremovexattr(path: Uint8Array, attribute: Uint8Array): number;
  /** `options` on macOS only, as in the two below. */
  flistxattr(descriptor: number, names: Uint8Array | null, size: number, ...options: number[]): number;
  /** Then come the flags on Linux, and a position and options on macOS. */
  fsetxattr(
    descriptor: number,
    attribute: Uint8Array,
    value: Uint8Array,
    size: number,
    ...flagsOrPositionAndOptions: number[]
  ): number;
  fremovexattr(descriptor: number, attribute: Uint8Array, ...options: number[]): number;
  getpwnam(name: Uint8Array): Pointer | null;
  getgrnam(name: Uint8Array): Pointer | null;
}

let loaded: Calls | undefined;

function load(): Calls {
  // The process has the C library in it already, whichever it is: glibc, musl or Apple's.
  const library = koffi.load(null);
  const inode64 = isMac && process.arch === "x64" ? "$INODE64" : "";
  const modeType = isMac ? "uint16_t" : "uint32_t";
  const deviceType = isMac ? "int32_t" : "uint64_t";
  const macOptions = isMac ? ", int" : "";
  const declarations: Record<keyof Calls, string> = {
    openat: "int openat(int, const uint8_t *, int, ...)",
    close: "int close(int)",
    fdopendir: `void *fdopendir${inode64}(int)`,
    readdir: `void *readdir${inode64}(void *)`,
    closedir: "int closedir(void *)",
    statx: "int statx(int, const uint8_t *, int, uint32_t, _Out_ uint8_t *)",
    fstatat: `int fstatat${inode64}(int, const uint8_t *, _Out_ uint8_t *, int)`,
    mkdirat: `int mkdirat(int, const uint8_t *, ${modeType})`,
    symlinkat: "int symlinkat(const uint8_t *, int, const uint8_t *)",
    linkat: "int linkat(int, const uint8_t *, int, const uint8_t *, int)",
    mknodat: `int mknodat(int, const uint8_t *, ${modeType}, ${deviceType})`,
    mkfifoat: `int mkfifoat(int, const uint8_t *, ${modeType})`,
    unlinkat: "int unlinkat(int, const uint8_t *, int)",
    fchownat: "int fchownat(int, const uint8_t *, uint32_t, uint32_t, int)",
    fchmodat: `int fchmodat(int, const uint8_t *, ${modeType}, int)`,
    utimensat: "int utimensat(int, const uint8_t *, const int64_t *, int)",
    futimens: "int futimens(int, const int64_t *)",
    llistxattr: "intptr_t llistxattr(const uint8_t *, _Out_ uint8_t *, size_t)",
    lsetxattr: "int lsetxattr(const uint8_t *, const uint8_t *, const uint8_t *, size_t, int)",
    lremovexattr: "int lremovexattr(const uint8_t *, const uint8_t *)",
    flistxattr: `intptr_t flistxattr(int, _Out_ uint8_t *, size_t${macOptions})`,
    fsetxattr: `int fsetxattr(int, const uint8_t *, const uint8_t *, size_t, ${isMac ? "uint32_t, int" : "int"})`,
    fremovexattr: `int fremovexattr(int, const uint8_t *${macOptions})`,
    getpwnam: "void *getpwnam(const uint8_t *)",
    getgrnam: "void *getgrnam(const uint8_t *)",
  };
  const found: Partial<Record<keyof Calls, unknown>> = {};
  const bound = new Proxy(found, {
    // Each is looked up when first called: no platform has all of them.
    get: (functions, name: keyof Calls) => (functions[name] ??= library.func(declarations[name])),
  });
  return bound as Calls;
}

let errnoNames: Map<number, string> | undefined;

function errnoName(errno: number): string {
  // EWOULDBLOCK and others share a number with the better known name, which koffi lists first.
  errnoNames ??= new Map(
    Object.entries(koffi.os.errno)
      .toReversed()
      .map(([name, number]) => [number, name]),
  );
  return errnoNames.get(errno) ?? `errno ${errno}`;
}

/** The bytes as C wants them, with a NUL after them. One within them would cut the name to another one. */
export function terminated(name: Uint8Array): Uint8Array {
  if (name.includes(0)) throw new SystemCallError("a name with a NUL byte", koffi.os.errno["EINVAL"] ?? 0);
  const bytes = new Uint8Array(name.length + 1);
  bytes.set(name);
  return bytes;
}
