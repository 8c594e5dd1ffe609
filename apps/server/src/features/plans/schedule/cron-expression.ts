/** What the five fields of crontab(5) name, as numbers that ascend. */
export interface CronExpression {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  /** From 1, Monday, to 7, Sunday. */
  readonly daysOfWeek: readonly number[];
  /** With both day fields restricted, a day that either names will do; a field with a `*` restricts only what the other names. */
  readonly needsBothDays: boolean;
}

/** A cron expression that crontab(5) doesn't know. `message` is one sentence for the person who wrote it. */
export class CronExpressionError extends Error {
  override readonly name = "CronExpressionError";
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Words for the numbers from `min` on. */
  readonly words: readonly string[];
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const daysOfWeek = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const minuteField: Field = { name: "minute", min: 0, max: 59, words: [] };
const hourField: Field = { name: "hour", min: 0, max: 23, words: [] };
const dayOfMonthField: Field = { name: "day of the month", min: 1, max: 31, words: [] };
const monthField: Field = { name: "month", min: 1, max: 12, words: months };
/** Sunday is both 0 and 7. */
const dayOfWeekField: Field = { name: "day of the week", min: 0, max: 7, words: daysOfWeek };

/** Understands exactly crontab(5): no seconds, no nicknames such as `@daily`, and none of the `L`, `W`, `#` and `?` of other schedulers. */
export function parseCronExpression(text: string): CronExpression {
  if (text.trim().startsWith("@"))
    throw new CronExpressionError(`${text.trim()} is a nickname: write the five fields that it stands for.`);
  const [minute, hour, dayOfMonth, month, dayOfWeek, ...rest] = text.trim().split(/\s+/);
  if (!minute || !hour || !dayOfMonth || !month || !dayOfWeek || rest.length > 0)
    throw new CronExpressionError(
      "A cron expression has five fields: minute, hour, day of the month, month and day of the week.",
    );
  return {
    minutes: parseField(minute, minuteField),
    hours: parseField(hour, hourField),
    daysOfMonth: parseField(dayOfMonth, dayOfMonthField),
    months: parseField(month, monthField),
    daysOfWeek: sundayLast(parseField(dayOfWeek, dayOfWeekField)),
    needsBothDays: dayOfMonth.includes("*") || dayOfWeek.includes("*"),
  };
}

function parseField(text: string, field: Field): number[] {
  return ascending(text.split(",").flatMap((part) => parsePart(part, field)));
}

/** One element of a list: all, a number or a range, or a step through all or a range. */
function parsePart(part: string, field: Field): number[] {
  const { all, first, last, step } =
    /^(?:(?<all>\*)|(?<first>\w+)(?:-(?<last>\w+))?)(?:\/(?<step>\d+))?$/.exec(part)?.groups ?? {};
  if (all === undefined && (first === undefined || (step !== undefined && last === undefined)))
    throw new CronExpressionError(
      `“${part}” in the ${field.name} is none of *, a number, a range such as 1-5, or a step through either such as */2.`,
    );
  const from = first === undefined ? field.min : parseNumber(first, field);
  const to = first === undefined ? field.max : parseNumber(last ?? first, field);
  const by = Number(step ?? 1);
  if (to < from) throw new CronExpressionError(`“${part}” in the ${field.name} ends before it begins.`);
  if (by < 1 || by > field.max)
    throw new CronExpressionError(`A step through the ${field.name} is from 1 to ${field.max}, not ${by}.`);
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

function parseNumber(text: string, { name, min, max, words }: Field): number {
  const word = words.indexOf(text.toLowerCase());
  if (word >= 0) return min + word;
  const number = Number(text);
  if (/^\d{1,2}$/.test(text) && number >= min && number <= max) return number;
  throw new CronExpressionError(`“${text}” in the ${name} is not from ${min} to ${max}.`);
}

function sundayLast(days: readonly number[]): number[] {
  return ascending(days.map((day) => (day === 0 ? 7 : day)));
}

function ascending(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((one, other) => one - other);
}
