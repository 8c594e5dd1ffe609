/** A server that restarts is back within seconds: the first tries come soon. */
const firstDelayMs = 1_000;
/** Then a minute is soon enough, and thousands of agents don't wake a server that comes back slowly. */
const delayMaxMs = 60_000;

/**
 * How long to wait after so many failures in a row (1 or more). Doubles, up to a minute, and is spread by `random` (0 to 1) over half of
 * itself, so that agents that lost their server at one moment don't come back at one moment.
 */
export function backOffMs(failures: number, random: number): number {
  const delayMs = Math.min(delayMaxMs, firstDelayMs * 2 ** (failures - 1));
  return Math.round(delayMs * (0.5 + random / 2));
}
