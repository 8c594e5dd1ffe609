import { cpus, release, totalmem, type } from "node:os";

/** What figures depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version.slice(1),
  };
}

export function machineText({ cpu, cores, memoryBytes, system, node }: Machine): string {
  return `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}, ${Math.round(memoryBytes / 2 ** 30)} GiB, ${system}, Node ${node}`;
}
