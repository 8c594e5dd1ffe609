/**
 * Takes the credential out of an `Authorization` header: a bearer token (RFC 6750), or the password of HTTP Basic (RFC 7617) with any user name,
 * which is how restic and browsers send it. Nothing if there is none or the header is of another kind.
 */
export function credentialOf(authorization: string | undefined): string | undefined {
  const [, scheme, value] = /^(bearer|basic) +([!-~]+)$/i.exec(authorization ?? "") ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  return scheme.toLowerCase() === "bearer" ? value : passwordOf(value);
}

function passwordOf(basic: string): string | undefined {
  const text = Buffer.from(basic, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 || colon === text.length - 1 ? undefined : text.slice(colon + 1);
}

/** The session in a `Cookie` header, under the name that it has over TLS or the one without. A browser's other cookies come and go. */
export function sessionCookieOf(cookies: string | undefined): string | undefined {
  return /(?:^|; ?)(?:__Secure-)?saveos\.session_token=([^;]+)/.exec(cookies ?? "")?.[1];
}
