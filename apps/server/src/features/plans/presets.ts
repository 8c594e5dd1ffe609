import type { PathPreset } from "@saveos/contract";

type Platform = "linux" | "windows" | "macos";

interface PresetPaths {
  /** Those that a machine has are backed up. */
  readonly paths: readonly string[];
  /** What is made anew by the system, or is no file at all. */
  readonly excludes: readonly string[];
}

/** What programs can fetch or make again, in anybody's home folder. */
const homeExcludes: Readonly<Record<Platform, readonly string[]>> = {
  linux: ["/home/*/.cache", "/root/.cache", "/home/*/.local/share/Trash", "/root/.local/share/Trash"],
  macos: ["/Users/*/Library/Caches", "/Users/*/.Trash", "/Users/*/Library/Logs"],
  windows: [
    "C:\\Users\\*\\AppData\\Local\\Temp",
    "C:\\Users\\*\\AppData\\Local\\Microsoft\\Windows\\INetCache",
    "C:\\Users\\*\\AppData\\Local\\Microsoft\\Windows\\WebCache",
  ],
};

const presets: Readonly<Record<PathPreset, Readonly<Record<Platform, PresetPaths>>>> = {
  home: {
    linux: { paths: ["/home", "/root"], excludes: homeExcludes.linux },
    macos: { paths: ["/Users"], excludes: homeExcludes.macos },
    windows: { paths: ["C:\\Users"], excludes: homeExcludes.windows },
  },
  system: {
    linux: {
      paths: ["/"],
      excludes: [
        ...homeExcludes.linux,
        "/proc",
        "/sys",
        "/dev",
        "/run",
        "/tmp",
        "/var/tmp",
        "/var/cache",
        "/var/lock",
        "/lost+found",
        "/swapfile",
        "/swap.img",
        "/mnt",
        "/media",
      ],
    },
    macos: {
      paths: ["/"],
      excludes: [
        ...homeExcludes.macos,
        "/dev",
        "/System",
        "/Volumes",
        "/private/tmp",
        "/private/var/tmp",
        "/private/var/folders",
        "/private/var/vm",
        "/Library/Caches",
      ],
    },
    windows: {
      paths: ["C:\\"],
      excludes: [
        ...homeExcludes.windows,
        "C:\\pagefile.sys",
        "C:\\hiberfil.sys",
        "C:\\swapfile.sys",
        "C:\\$Recycle.Bin",
        "C:\\Windows\\Temp",
        "C:\\System Volume Information",
        "C:\\Windows\\SoftwareDistribution\\Download",
      ],
    },
  },
  server: {
    linux: {
      paths: [
        "/etc",
        "/home",
        "/root",
        "/srv",
        "/opt",
        "/usr/local",
        "/var/lib",
        "/var/www",
        "/var/mail",
        "/var/spool/cron",
      ],
      excludes: [...homeExcludes.linux, "/var/lib/docker/overlay2", "/var/lib/containerd", "/var/lib/apt/lists"],
    },
    macos: {
      paths: ["/Users", "/usr/local", "/opt", "/etc", "/Library"],
      excludes: [...homeExcludes.macos, "/Library/Caches"],
    },
    windows: { paths: ["C:\\Users", "C:\\ProgramData", "C:\\inetpub"], excludes: homeExcludes.windows },
  },
};

/** What the presets stand for on a platform. */
export function resolvePresets(wanted: readonly PathPreset[], platform: Platform): PresetPaths {
  const found = wanted.map((preset) => presets[preset][platform]);
  return {
    paths: [...new Set(found.flatMap(({ paths }) => paths))],
    excludes: [...new Set(found.flatMap(({ excludes }) => excludes))],
  };
}
