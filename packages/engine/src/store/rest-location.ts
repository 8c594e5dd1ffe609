import { EngineError } from "../errors/engine-error.ts";

/** Where a REST repository is, with the credential taken out of the address. */
export interface RestLocation {
  /** Ends with a slash, holds no credential. */
  readonly base: string;
  /** For messages; the same without secrets by construction. */
  readonly label: string;
  /** The value of an `Authorization` header, if the address held a credential. */
  readonly authorization: string | undefined;
}

/**
 * Reads `https://user:password@host/path`, with or without a last slash. Throws `invalid-input`, and never repeats in it what may be a
 * credential.
 */
export function parseRestLocation(address: string): RestLocation {
  const url = URL.parse(address);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new EngineError("invalid-input", `Not the address of a REST repository: ${withoutCredential(address)}`, {
      hint: "It looks like https://user:password@host:8000/path/",
    });
  }
  const authorization = basicAuthorization(url);
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return { base: url.href, label: `rest:${url.href}`, authorization };
}

function basicAuthorization(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  return basicAuthorizationOf(decoded(url.username), decoded(url.password));
}

/** An `Authorization` header's value (RFC 7617, in UTF-8). */
export function basicAuthorizationOf(username: string, password: string): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}

function decoded(percentEncoded: string): string {
  try {
    return decodeURIComponent(percentEncoded);
  } catch (cause) {
    throw new EngineError(
      "invalid-input",
      "The user name or password in a REST address is not percent-encoded rightly",
      {
        cause,
        hint: "Write % as %25, @ as %40, : as %3A and / as %2F.",
      },
    );
  }
}

/** Everything up to the last `@` may be a credential, whatever it looks like. */
function withoutCredential(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}
