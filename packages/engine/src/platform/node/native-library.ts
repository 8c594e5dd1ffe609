import koffi from "koffi";

/** An address in this process, as koffi gives it. */
export type Pointer = bigint;

/**
 * OpenSSL's and zstd's public C functions, as the Node binary exports them to its addons: openssl/evp.h of OpenSSL 3, and the stable part of
 * zstd.h. Through them a call costs 0.03 µs where `node:crypto` and `node:zlib` make an object for every blob: 2 KiB are encrypted in 0.4 µs
 * instead of 3, and compressed in 9 instead of 22.
 *
 * C believes the lengths that it is told, and would write past the end of an array that is shorter. So only the `native-…` files beside this one may
 * call these. Each passes lengths taken from the very arrays that it passes, in the same expression, and for what has a fixed length (keys, IVs,
 * digests, tags) arrays of its own that have it. An array whose buffer is gone has the length 0. Calls are synchronous: no array can change meanwhile.
 */
export interface NativeLibrary {
  EVP_MD_fetch(context: null, name: string, properties: null): Pointer | null;
  /** Writes the digest, 32 bytes for SHA-256. */
  EVP_Digest(data: Uint8Array, count: number, digest: Uint8Array, size: null, type: Pointer, engine: null): number;

  EVP_aes_256_ctr(): Pointer | null;
  EVP_aes_128_ecb(): Pointer | null;
  EVP_CIPHER_CTX_new(): Pointer | null;
  EVP_CIPHER_CTX_free(context: Pointer): void;
  EVP_CIPHER_CTX_set_padding(context: Pointer, padding: number): number;
  /** Reads as many bytes of key and IV as the cipher has. What is null stays as it is. */
  EVP_EncryptInit_ex(
    context: Pointer,
    cipher: Pointer | null,
    engine: null,
    key: Uint8Array | null,
    iv: Uint8Array | null,
  ): number;
  /** Writes as many bytes as it reads, with both ciphers above. */
  EVP_EncryptUpdate(
    context: Pointer,
    out: Uint8Array,
    outLength: Int32Array,
    bytes: Uint8Array,
    byteCount: number,
  ): number;

  EVP_MAC_fetch(context: null, name: string, properties: null): Pointer | null;
  EVP_MAC_CTX_new(mac: Pointer): Pointer | null;
  EVP_MAC_CTX_free(context: Pointer): void;
  EVP_MAC_init(context: Pointer, key: Uint8Array, keyLength: number, parameters: null): number;
  EVP_MAC_update(context: Pointer, data: Uint8Array, dataLength: number): number;
  EVP_MAC_final(context: Pointer, out: Uint8Array, outLength: null, outSize: number): number;

  /** zstd's lengths are read as signed numbers: what it calls an error is below zero (`0 - error number`), and no length is that large. */
  ZSTD_createCCtx(): Pointer | null;
  ZSTD_freeCCtx(context: Pointer): number;
  ZSTD_CCtx_setParameter(context: Pointer, parameter: number, value: number): number;
  ZSTD_compress2(context: Pointer, out: Uint8Array, outSize: number, bytes: Uint8Array, byteCount: number): number;
  ZSTD_createDCtx(): Pointer | null;
  ZSTD_freeDCtx(context: Pointer): number;
  ZSTD_decompressDCtx(context: Pointer, out: Uint8Array, outSize: number, bytes: Uint8Array, byteCount: number): number;
  /** -1 if the frame does not say, -2 if it is none. A number above 2^53 comes as a bigint. */
  ZSTD_getFrameContentSize(bytes: Uint8Array, byteCount: number): number | bigint;
}

const declarations: Record<keyof NativeLibrary, string> = {
  EVP_MD_fetch: "void *EVP_MD_fetch(void *, const char *, const char *)",
  EVP_Digest: "int EVP_Digest(const uint8_t *, size_t, uint8_t *, void *, void *, void *)",
  EVP_aes_256_ctr: "void *EVP_aes_256_ctr()",
  EVP_aes_128_ecb: "void *EVP_aes_128_ecb()",
  EVP_CIPHER_CTX_new: "void *EVP_CIPHER_CTX_new()",
  EVP_CIPHER_CTX_free: "void EVP_CIPHER_CTX_free(void *)",
  EVP_CIPHER_CTX_set_padding: "int EVP_CIPHER_CTX_set_padding(void *, int)",
  EVP_EncryptInit_ex: "int EVP_EncryptInit_ex(void *, void *, void *, const uint8_t *, const uint8_t *)",
  EVP_EncryptUpdate: "int EVP_EncryptUpdate(void *, uint8_t *, int32_t *, const uint8_t *, int)",
  EVP_MAC_fetch: "void *EVP_MAC_fetch(void *, const char *, const char *)",
  EVP_MAC_CTX_new: "void *EVP_MAC_CTX_new(void *)",
  EVP_MAC_CTX_free: "void EVP_MAC_CTX_free(void *)",
  EVP_MAC_init: "int EVP_MAC_init(void *, const uint8_t *, size_t, void *)",
  EVP_MAC_update: "int EVP_MAC_update(void *, const uint8_t *, size_t)",
  EVP_MAC_final: "int EVP_MAC_final(void *, uint8_t *, void *, size_t)",
  ZSTD_createCCtx: "void *ZSTD_createCCtx()",
  ZSTD_freeCCtx: "intptr_t ZSTD_freeCCtx(void *)",
  ZSTD_CCtx_setParameter: "intptr_t ZSTD_CCtx_setParameter(void *, int, int)",
  ZSTD_compress2: "intptr_t ZSTD_compress2(void *, uint8_t *, size_t, const uint8_t *, size_t)",
  ZSTD_createDCtx: "void *ZSTD_createDCtx()",
  ZSTD_freeDCtx: "intptr_t ZSTD_freeDCtx(void *)",
  ZSTD_decompressDCtx: "intptr_t ZSTD_decompressDCtx(void *, uint8_t *, size_t, const uint8_t *, size_t)",
  ZSTD_getFrameContentSize: "int64_t ZSTD_getFrameContentSize(const uint8_t *, size_t)",
};

/** Undefined where the Node binary does not export all of them. */
export function nativeLibrary(): NativeLibrary | undefined {
  try {
    const process = koffi.load(null);
    const functions = Object.entries(declarations).map(([name, declaration]) => [name, process.func(declaration)]);
    return Object.fromEntries(functions) as NativeLibrary;
  } catch {
    return undefined;
  }
}
