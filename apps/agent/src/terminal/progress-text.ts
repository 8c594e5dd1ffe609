import { formatBytes, formatCount, formatDuration } from "./quantities.ts";
import { padStart, textWidth } from "./text-width.ts";

/** How far something is. Totals are undefined until they are known. */
export interface Progress {
  /** What is counted as files: `files` unless told. */
  readonly counted?: string | undefined;
  readonly filesDone: number;
  readonly bytesDone: number;
  readonly filesTotal?: number | undefined;
  readonly bytesTotal?: number | undefined;
  readonly secondsElapsed: number;
  /** Over the last seconds. */
  readonly bytesPerSecond: number;
}

/** Done bytes over all bytes, from 0 to 1; undefined while the total is unknown. Counts files where there are no bytes to count. */
export function shareDone(progress: Progress): number | undefined {
  const { bytesDone, bytesTotal, filesDone, filesTotal } = progress;
  if (bytesTotal === undefined || filesTotal === undefined) return undefined;
  if (bytesTotal > 0) return Math.min(1, bytesDone / bytesTotal);
  return filesTotal > 0 ? Math.min(1, filesDone / filesTotal) : 1;
}

/** Before this the speed is that of opening and looking around, and what it promises is nonsense. */
const estimateAfterSeconds = 3;

/** Seconds left at the present speed; undefined while that can't be said. */
export function secondsLeft(progress: Progress): number | undefined {
  const { bytesDone, bytesTotal, bytesPerSecond, secondsElapsed } = progress;
  if (bytesTotal === undefined || bytesPerSecond <= 0 || secondsElapsed < estimateAfterSeconds) return undefined;
  return Math.max(0, bytesTotal - bytesDone) / bytesPerSecond;
}

/**
 * One line that fits `columns`: percent, bar, files, bytes, speed, time left. What matters least goes first when it gets narrow: the speed,
 * then the files, then the bar.
 */
export function progressText(progress: Progress, columns: number): string {
  const share = shareDone(progress);
  const files = countOf(progress);
  const bytes = bytesOf(progress);
  const speed = `${formatBytes(progress.bytesPerSecond)}/s`;
  const left = secondsLeft(progress);
  const time = left === undefined ? formatDuration(progress.secondsElapsed) : `${formatDuration(left)} left`;
  const details = [[files, bytes, speed, time], [files, bytes, time], [bytes, time], [time]].map((parts) =>
    parts.join(" · "),
  );
  const percent = share === undefined ? "" : `${padStart(String(Math.floor(share * 100)), 3)} %`;
  for (const detail of details) {
    const barColumns = columns - textWidth(percent) - textWidth(detail) - gapsColumns;
    if (share !== undefined && barColumns >= barMinColumns)
      return `${percent}  ${bar(share, Math.min(barColumns, barMaxColumns))}  ${detail}`;
    if (share === undefined && textWidth(detail) <= columns) return detail;
  }
  return percent.trimStart().slice(0, columns);
}

/** Two spaces around the bar. */
const gapsColumns = 4;
/** A shorter bar tells nothing that the percent does not. */
const barMinColumns = 8;
/** A longer bar is no more exact to the eye. */
const barMaxColumns = 30;

function bar(share: number, columns: number): string {
  const done = Math.round(share * columns);
  return "━".repeat(done) + "─".repeat(columns - done);
}

function countOf({ filesDone, filesTotal, counted = "files" }: Progress): string {
  const done = formatCount(filesDone);
  return filesTotal === undefined ? `${done} ${counted}` : `${done} of ${formatCount(filesTotal)} ${counted}`;
}

function bytesOf({ bytesDone, bytesTotal }: Progress): string {
  return bytesTotal === undefined ? formatBytes(bytesDone) : `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`;
}
