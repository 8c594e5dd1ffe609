import { z } from "zod";

/** Every error of the API (RFC 9457), as `application/problem+json`. */
export const problem = z.strictObject({
  /** `about:blank`, or an own kind such as `urn:saveos:problem:identity-conflict`. */
  type: z.string(),
  title: z.string(),
  status: z.int(),
  /** What happened, to what, and what to do. */
  detail: z.string(),
  /** The fields that were wrong, by JSON pointer. */
  errors: z.array(z.strictObject({ pointer: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problem>;

export const problemType = {
  /** Two machines use one credential. */
  identityConflict: "urn:saveos:problem:identity-conflict",
  /** The enrolment token was used, has expired or never was. */
  enrolmentRefused: "urn:saveos:problem:enrolment-refused",
} as const;
