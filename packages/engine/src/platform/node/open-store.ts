import { EngineError } from "../../errors/engine-error.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { basicAuthorizationOf } from "../../store/rest-location.ts";
import type { Fetch } from "../../store/rest-request.ts";
import { restStore } from "../../store/rest-store.ts";
import { folderStore } from "./folder-store.ts";
import { parseS3Location } from "./s3-location.ts";
import { type S3Credentials, s3Store } from "./s3-store.ts";

export interface OpenStoreOptions {
  /** The environment: `AWS_*` and `RESTIC_REST_*` hold credentials, as restic reads them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For REST; the global one unless told. One that trusts another authority is the caller's to make. */
  readonly fetch?: Fetch | undefined;
  /** For REST: added to every request to the server, for example an agent's `Authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For S3: the authority that the endpoint's certificate is checked against instead of the system's, PEM. */
  readonly certificateAuthority?: string | undefined;
}

/**
 * The store at a location, as restic writes them: a path, `local:PATH`, `rest:https://user:password@host/path/`,
 * `s3:https://endpoint/bucket/prefix`, `s3:endpoint/bucket`. Nothing is opened or asked yet. Throws `unsupported` for restic's other
 * schemes, `invalid-input` for what is no location.
 */
export function openStore(location: string, options: OpenStoreOptions): ObjectStore {
  const { scheme, rest } = splitScheme(location);
  switch (scheme) {
    case "local":
      return folderStore(requirePath(rest));
    case "rest":
      return openRest(rest, options);
    case "s3":
      return openS3(rest, options);
    default:
      throw new EngineError("unsupported", `Repositories at ${scheme}: are not supported`, {
        hint: "Use a path, rest:https://…, or s3:https://….",
      });
  }
}

/** restic's schemes that we don't speak. */
const otherSchemes = ["sftp", "b2", "azure", "gs", "swift", "rclone"];

function splitScheme(location: string): { scheme: string; rest: string } {
  const match = /^([a-z][a-z0-9+]+):(.*)$/s.exec(location);
  const [, scheme = "", rest = ""] = match ?? [];
  if (["local", "rest", "s3", ...otherSchemes].includes(scheme)) return { scheme, rest };
  // restic's rule too: a path may hold a colon, but then it must look like a path. One letter and a colon is a Windows drive.
  if (match === null) return { scheme: "local", rest: location };
  throw new EngineError("invalid-input", `Unknown kind of repository: ${scheme}:`, {
    hint:
      scheme === "http" || scheme === "https"
        ? `Write rest:${scheme}://… for a REST server, s3:${scheme}://… for a bucket.`
        : "Write local: before the path if it is one.",
  });
}

function requirePath(path: string): string {
  if (path !== "") return path;
  throw new EngineError("invalid-input", "The repository's location is empty");
}

function openRest(url: string, { env, fetch = globalThis.fetch, headers }: OpenStoreOptions): ObjectStore {
  return restStore({
    url,
    fetch,
    headers: { ...authorizationFromEnvironment(url, env), ...headers },
    streamUploads: true,
  });
}

/** A user in the address wins, as with restic. */
function authorizationFromEnvironment(url: string, env: OpenStoreOptions["env"]): Record<string, string> {
  const username = env["RESTIC_REST_USERNAME"] ?? "";
  const password = env["RESTIC_REST_PASSWORD"] ?? "";
  const inAddress = URL.parse(url);
  if (inAddress === null || inAddress.username !== "" || (username === "" && password === "")) return {};
  return { authorization: basicAuthorizationOf(username, password) };
}

function openS3(location: string, { env, certificateAuthority }: OpenStoreOptions): ObjectStore {
  const { endpoint, region, bucket, prefix } = parseS3Location(location);
  return s3Store({
    endpoint,
    region: nonEmpty(env["AWS_DEFAULT_REGION"]) ?? nonEmpty(env["AWS_REGION"]) ?? region ?? defaultRegion,
    bucket,
    prefix,
    credentials: s3Credentials(env),
    certificateAuthority,
  });
}

/** What servers other than AWS's expect too. */
const defaultRegion = "us-east-1";

function s3Credentials(env: OpenStoreOptions["env"]): S3Credentials | undefined {
  const accessKeyId = nonEmpty(env["AWS_ACCESS_KEY_ID"]);
  const secretAccessKey = nonEmpty(env["AWS_SECRET_ACCESS_KEY"]);
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const missing = accessKeyId === undefined ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY";
    throw new EngineError("invalid-input", `${missing} is not set, and its other half is`);
  }
  return { accessKeyId, secretAccessKey, sessionToken: nonEmpty(env["AWS_SESSION_TOKEN"]) };
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
