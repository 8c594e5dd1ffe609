/** How a command's repository is named on the command line and in the environment. */
export interface RepositoryRole {
  /** Before the names of options: `--repo`, `--from-repo`. */
  readonly optionPrefix: string;
  /** In the names of variables, behind the program's: `RESTIC_PASSWORD`, `RESTIC_FROM_PASSWORD`. */
  readonly variablePrefix: string;
  readonly title: string;
}

/** The one that a command works on. */
export const mainRepository: RepositoryRole = { optionPrefix: "", variablePrefix: "", title: "repository" };

/** The one that it copies from, named as restic does. */
export const sourceRepository: RepositoryRole = {
  optionPrefix: "from-",
  variablePrefix: "FROM_",
  title: "repository to copy from",
};
