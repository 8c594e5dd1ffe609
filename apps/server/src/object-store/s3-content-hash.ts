import type { PutObjectCommandInput, S3Client } from "@aws-sdk/client-s3";

const contentHashHeader = "x-amz-content-sha256";

/**
 * Signs each upload with the SHA-256 of its content, which we know before the first byte is sent: `ChecksumSHA256` of the command. The
 * SDK itself would sign a stream as "unsigned payload", and the service could not notice a body that changed on the way.
 */
export function signWithContentHash(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const checksum = checksumOf(args.input);
      if (checksum !== undefined && hasHeaders(args.request))
        args.request.headers[contentHashHeader] = Buffer.from(checksum, "base64").toString("hex");
      return await next(args);
    },
    { step: "build", name: "signWithContentHash" },
  );
}

function checksumOf(input: object): string | undefined {
  return "ChecksumSHA256" in input ? (input as PutObjectCommandInput).ChecksumSHA256 : undefined;
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === "object" && request !== null && "headers" in request;
}
