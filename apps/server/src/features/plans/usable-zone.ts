/** A machine's zone, or UTC where it has a name that means nothing here: a backup at another hour is better than none. */
export function usableZone(timeZone: string): string {
  try {
    return Temporal.Now.zonedDateTimeISO(timeZone).timeZoneId;
  } catch {
    return "UTC";
  }
}
