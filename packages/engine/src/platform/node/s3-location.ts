import { EngineError } from "../../errors/engine-error.ts";

/** A place in S3, as restic's locations name it. */
export interface S3Location {
  /** Undefined for AWS, which the SDK knows by the region. */
  readonly endpoint: string | undefined;
  /** As far as the host of AWS tells it. */
  readonly region: string | undefined;
  readonly bucket: string;
  readonly prefix: string;
}

/**
 * Reads what follows `s3:`: `https://host/bucket/prefix`, `host/bucket/prefix` or `//host/bucket/prefix`, encrypted unless it says `http`.
 * Throws `invalid-input`.
 */
export function parseS3Location(text: string): S3Location {
  const withScheme = /^https?:\/\//.test(text) ? text : `https://${text.replace(/^\/\//, "")}`;
  const url = URL.parse(withScheme);
  if (url === null || url.hostname === "") throw notALocation("no host");
  if (url.username !== "" || url.password !== "") {
    throw notALocation("keys don't belong into it, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  }
  // Cut from the text and not from the URL, which would percent-encode odd letters in the prefix.
  const [bucket = "", ...folders] = withScheme.replace(/^https?:\/\/[^/]*\/?/, "").split("/");
  if (bucket === "") throw notALocation("no bucket");
  return { ...hostOf(url), bucket, prefix: folders.filter((folder) => folder !== "").join("/") };
}

function hostOf(url: URL): Pick<S3Location, "endpoint" | "region"> {
  const aws = /^s3(?:[.-]([a-z0-9-]+))?\.amazonaws\.com$/.exec(url.host);
  if (aws !== null && url.protocol === "https:") return { endpoint: undefined, region: aws[1] };
  return { endpoint: url.origin, region: undefined };
}

function notALocation(reason: string): EngineError {
  return new EngineError("invalid-input", `Not an S3 location: ${reason}`, {
    hint: "It looks like s3:https://host/bucket/prefix",
  });
}
