import { access, chmod, constants, mkdir, stat } from "node:fs/promises";
import { errorText, ServerError } from "./server-error.ts";

/**
 * Makes the data folder if it is missing and checks that it can be written. Only its owner may read it; root's embedded database may have to let
 * another user walk through it, which is kept. Throws `data-folder-unusable`.
 */
export async function prepareDataFolder(path: string): Promise<void> {
  try {
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const mode = (await stat(path)).mode & 0o7777;
    // A folder that was there before is the administrator's; what lies in it has permissions of its own.
    if (made !== undefined && (mode & 0o066) !== 0) await chmod(path, mode & ~0o066);
  } catch (cause) {
    throw new ServerError("data-folder-unusable", `The data folder ${path} can't be used: ${errorText(cause)}.`, {
      cause,
      hint: "Set SAVEOS_DATA_DIR to a folder that this user may write.",
    });
  }
}
