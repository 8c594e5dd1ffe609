const dayMs = 24 * 60 * 60 * 1000;
const daySeconds = 24 * 60 * 60;

/** The promise: every byte is read again within this time. */
export const verifyWithinMs = 30 * dayMs;

/** An object is due this long after its last reading. What is left of the promise is for reading slowly, and for a server that was away. */
export const dueAfterMs = 20 * dayMs;

/** At the polite speed everything that is stored takes this long: two days before the promise is broken, even if all of it comes due at one moment. */
const politeRoundSeconds = 8 * daySeconds;

/** A small server needn't be slower than this, which no disk feels. */
const politeLeastBytesPerSecond = 1024 * 1024;

/** Bytes in a second that a worker may read while others want something of the server: no more than the promise needs. */
export function politeSpeed(storedBytes: number): number {
  return Math.max(politeLeastBytesPerSecond, storedBytes / politeRoundSeconds);
}

/** The least speed at which everything is read in time, if it is read all day. */
export function neededSpeed(storedBytes: number): number {
  return (storedBytes * 1000) / dueAfterMs;
}

/** The most time that reading what is due may take: it may all have come due a moment ago. */
export const finishWithinSeconds = (verifyWithinMs - dueAfterMs) / 1000;
