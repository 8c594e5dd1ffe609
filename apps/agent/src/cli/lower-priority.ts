/** Lets other programs on this machine go first from now on. Where the system refuses, that is said and the work goes on. */
export async function lowerPriority(warn: (message: string) => unknown): Promise<void> {
  const { lowerProcessPriority } = await import("@saveos/engine/node");
  for (const problem of lowerProcessPriority()) await warn(problem);
}
