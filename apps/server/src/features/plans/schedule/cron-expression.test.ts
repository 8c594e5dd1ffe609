import { expect, test } from "vitest";
import { parseCronExpression } from "./cron-expression.ts";

test("a field is a star, a number, a range, a step through either, or a list of those", () => {
  const { minutes, hours, daysOfMonth } = parseCronExpression("*/20 1-5/2,7,10-11 1 * *");
  expect(minutes).toEqual([0, 20, 40]);
  expect(hours).toEqual([1, 3, 5, 7, 10, 11]);
  expect(daysOfMonth).toEqual([1]);
});

test("the numbers of a field come in their order, each once", () => {
  expect(parseCronExpression("30,5,1-6 * * * *").minutes).toEqual([1, 2, 3, 4, 5, 6, 30]);
});

test("months and days of the week may be words, in small letters or capitals", () => {
  const { months, daysOfWeek } = parseCronExpression("0 0 * JAN,jun-aug mon-FRI");
  expect(months).toEqual([1, 6, 7, 8]);
  expect(daysOfWeek).toEqual([1, 2, 3, 4, 5]);
});

test("Sunday is 0, 7 and sun", () => {
  for (const sunday of ["0", "7", "sun", "0,7", "*/7"])
    expect(parseCronExpression(`0 0 * * ${sunday}`).daysOfWeek).toEqual([7]);
  expect(parseCronExpression("0 0 * * 5-7").daysOfWeek).toEqual([5, 6, 7]);
  expect(parseCronExpression("0 0 * * 0-2").daysOfWeek).toEqual([1, 2, 7]);
});

test("any white space parts and surrounds the fields", () => {
  expect(parseCronExpression("  0\t12  * * * ")).toEqual(parseCronExpression("0 12 * * *"));
});

test.each([
  ["seconds", "0 30 2 * * *", "has five fields"],
  ["too few fields", "30 2 * *", "has five fields"],
  ["nothing at all", "   ", "has five fields"],
  ["nicknames", "@daily", "@daily is a nickname"],
  ["a last day", "0 0 L * *", "“L” in the day of the month"],
  ["a nearest workday", "0 0 15W * *", "“15W” in the day of the month"],
  ["a second Friday", "0 0 * * 5#2", "“5#2” in the day of the week is none of"],
  ["question marks", "0 0 ? * *", "“?” in the day of the month is none of"],
  ["a random number", "0~30 * * * *", "“0~30” in the minute is none of"],
  ["a step from a number", "5/15 * * * *", "“5/15” in the minute is none of"],
  ["an empty element of a list", "1,,2 * * * *", "“” in the minute is none of"],
  ["a sign", "-5 * * * *", "“-5” in the minute is none of"],
  ["a number out of its field", "60 * * * *", "“60” in the minute is not from 0 to 59"],
  ["a day 0", "0 0 0 * *", "“0” in the day of the month is not from 1 to 31"],
  ["words in other fields", "mon * * * *", "“mon” in the minute"],
  ["a range that goes back", "0 22-6 * * *", "“22-6” in the hour ends before it begins"],
  ["a step of 0", "*/0 * * * *", "A step through the minute is from 1 to 59, not 0"],
  ["a step beyond its field", "*/90 * * * *", "A step through the minute is from 1 to 59, not 90"],
])("%s are refused in a sentence", (_, expression, sentence) => {
  expect(() => parseCronExpression(expression)).toThrow(sentence);
});
