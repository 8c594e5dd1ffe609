/** One line for each command, in the order of the help. */
export const summaries = {
  backup: "Back up files and folders",
  restore: "Restore files from a snapshot",
  snapshots: "List the snapshots",
  ls: "List the files of a snapshot",
  find: "Find files in the snapshots",
  dump: "Write a file to standard output, or a folder as an archive",
  register: "Enrol this machine with a server",
  status: "Say how this machine, its server and its backups are",
  daemon: "Wait for the server's orders and carry them out",
  "seal-restore": "Seal what another machine needs for an ordered restore",
  hooks: "List the commands that orders may run on this machine",
  unreadable: "List what the last ordered backup could not read",
  init: "Make a new repository",
  copy: "Copy snapshots from another repository",
  check: "Check that the repository is whole",
  stats: "Say how large the snapshots are",
  unlock: "Remove locks that were left behind",
  key: "Manage the passwords of the repository",
  version: "Print the version",
} as const;

export type CommandName = keyof typeof summaries;
