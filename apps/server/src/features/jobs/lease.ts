/**
 * How long a running job may go unheard before it counts as lost. A reboot, a changed network or a server that is being updated takes less; an agent
 * itself gives an unreachable server up in about this time.
 */
export const leaseMs = 15 * 60 * 1000;

export function leaseFrom(now: Date): Date {
  return new Date(now.getTime() + leaseMs);
}
