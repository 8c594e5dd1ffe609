import path from "node:path";

/** Where the agent keeps its things on this machine. Absolute paths in the platform's own form. */
export interface Home {
  /** Which server, which agent: nothing secret. */
  readonly configFile: string;
  /** The credential, the repository's password and the identity, for the owner's eyes only. */
  readonly secretsFile: string;
  /** The commands that an order may run before and after a backup. */
  readonly hooksFile: string;
  /** The folders into which an order may restore from another machine's repository. */
  readonly restoreFoldersFile: string;
  /** The vault that this machine's password is sealed to: nothing secret, but whoever can change it gets the password. */
  readonly vaultFile: string;
  /** Outbox and journal of jobs: what must survive a restart. */
  readonly stateFolder: string;
  /** May be deleted at any time. */
  readonly cacheFolder: string;
}

export interface HomeFacts {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  /** The service's places instead of the person's. */
  readonly system: boolean;
}

/** `SAVEOS_HOME` holds everything in one folder; otherwise each platform's own places are used. */
export function findHome(facts: HomeFacts): Home {
  const own = facts.env["SAVEOS_HOME"];
  const { join, resolve } = facts.platform === "win32" ? path.win32 : path.posix;
  if (own) {
    const folder = resolve(own);
    return homeAt(join, { config: folder, state: join(folder, "state"), cache: join(folder, "cache") });
  }
  return homeAt(join, facts.system ? systemFolders(facts, join) : personFolders(facts, join));
}

interface Folders {
  readonly config: string;
  readonly state: string;
  readonly cache: string;
}

type Join = (...parts: string[]) => string;

function homeAt(join: Join, { config, state, cache }: Folders): Home {
  return {
    configFile: join(config, "config.json"),
    secretsFile: join(config, "secrets.json"),
    hooksFile: join(config, "hooks.json"),
    restoreFoldersFile: join(config, "restore-folders.json"),
    vaultFile: join(config, "vault.json"),
    stateFolder: state,
    cacheFolder: cache,
  };
}

function personFolders({ platform, env, homeFolder }: HomeFacts, join: Join): Folders {
  if (platform === "win32") {
    const roaming = env["APPDATA"] || join(homeFolder, "AppData", "Roaming");
    const local = join(env["LOCALAPPDATA"] || join(homeFolder, "AppData", "Local"), "SaveOS");
    return { config: join(roaming, "SaveOS"), state: join(local, "state"), cache: join(local, "cache") };
  }
  if (platform === "darwin") {
    const support = join(homeFolder, "Library", "Application Support", "SaveOS");
    return { config: support, state: join(support, "state"), cache: join(homeFolder, "Library", "Caches", "SaveOS") };
  }
  return {
    config: join(env["XDG_CONFIG_HOME"] || join(homeFolder, ".config"), "saveos"),
    state: join(env["XDG_STATE_HOME"] || join(homeFolder, ".local", "state"), "saveos"),
    cache: join(env["XDG_CACHE_HOME"] || join(homeFolder, ".cache"), "saveos"),
  };
}

function systemFolders({ platform, env }: HomeFacts, join: Join): Folders {
  if (platform === "win32") {
    const data = join(env["PROGRAMDATA"] || "C:\\ProgramData", "SaveOS");
    return { config: data, state: join(data, "state"), cache: join(data, "cache") };
  }
  if (platform === "darwin") {
    const support = "/Library/Application Support/SaveOS";
    return { config: support, state: join(support, "state"), cache: "/Library/Caches/SaveOS" };
  }
  return { config: "/etc/saveos", state: "/var/lib/saveos", cache: "/var/cache/saveos" };
}
