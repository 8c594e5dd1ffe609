// Whatever program this file becomes part of, the server's or the whole-system tests', its compiler has to know Temporal.
/// <reference lib="esnext.temporal" />

/** What the clock of a time zone shows at a moment. */
export function clockTimeAt(timeZone: string, momentMs: number): Temporal.PlainDateTime {
  return zonedAt(timeZone, momentMs).toPlainDateTime();
}

/**
 * The first moment at which the clock of a time zone shows `time` or later. The one rule for both changes of the clock: a time that it shows twice
 * counts the first time, and one that it leaps over counts as soon as it goes on. Later times never have earlier moments.
 */
export function firstMomentAt(timeZone: string, time: Temporal.PlainDateTime): number {
  const moment = time.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  if (moment.toPlainDateTime().equals(time)) return moment.epochMilliseconds;
  // "earlier" moves a time that is leapt over back by what the leap takes: the leap is the next change, and always there.
  return nextChangeAfter(timeZone, moment.epochMilliseconds) ?? moment.epochMilliseconds;
}

/** A zone that moves over the date line leaves a whole day out, as Samoa did with 30 December 2011. */
export function hasDay(timeZone: string, day: Temporal.PlainDate): boolean {
  const beginMs = firstMomentAt(timeZone, day.toPlainDateTime());
  return clockTimeAt(timeZone, beginMs).toPlainDate().equals(day);
}

/** When the clock of a time zone is next put forward or back. */
export function nextChangeAfter(timeZone: string, momentMs: number): number | undefined {
  return zonedAt(timeZone, momentMs).getTimeZoneTransition("next")?.epochMilliseconds;
}

function zonedAt(timeZone: string, momentMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(momentMs).toZonedDateTimeISO(timeZone);
}
