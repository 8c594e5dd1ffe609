import type { FastifyRequest } from "fastify";

interface Options {
  /** The whole address, if the administrator set it. */
  readonly publicUrl: string | undefined;
  /** The name that the administrator set for the server, if any. */
  readonly publicName: string | undefined;
  /** The names that its certificate is for. */
  readonly names: readonly string[];
  /** Used where no better name is known. */
  readonly hostname: string;
  readonly httpsPort: () => number;
}

/**
 * The address at which agents shall find the server: the one that was set, or by the name that was set; else as the administrator who asks has reached it over TLS, provided that the
 * certificate is for that name; else by the machine's own name.
 */
export function publicUrlFor({
  publicUrl,
  publicName,
  names,
  hostname,
  httpsPort,
}: Options): (request: FastifyRequest) => string {
  const name = publicName ?? hostname;
  const host = name.includes(":") ? `[${name}]` : name;
  return (request) => {
    if (publicUrl !== undefined) return publicUrl;
    const isReachedAsItShouldBe = request.protocol === "https" && names.includes(request.hostname.toLowerCase());
    return publicName === undefined && isReachedAsItShouldBe
      ? `https://${request.host}`
      : `https://${host}:${httpsPort()}`;
  };
}
