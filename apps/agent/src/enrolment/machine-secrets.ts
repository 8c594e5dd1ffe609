import { readSecrets, type Secrets, writeSecrets } from "../host/secrets-file.ts";

/** Secrets that are all there. */
export type WholeSecrets = { readonly [Name in keyof Secrets]: string };

/**
 * The secrets of an enrolled machine. The credential is replaced now and then, so whoever needs it asks here at each request and keeps no
 * copy.
 */
export class MachineSecrets {
  readonly repositoryPassword: string;
  readonly identity: string;
  readonly #file: string;
  #credential: string;

  constructor(file: string, { credential, repositoryPassword, identity }: WholeSecrets) {
    this.#file = file;
    this.#credential = credential;
    this.repositoryPassword = repositoryPassword;
    this.identity = identity;
  }

  get credential(): string {
    return this.#credential;
  }

  /** From now on this one, after it is durable: the server forgets the old one when the new one is first used. */
  async replaceCredential(credential: string): Promise<void> {
    // Read again, not written from memory: `register --resume` may have changed the password meanwhile.
    await writeSecrets(this.#file, { ...(await readSecrets(this.#file)), credential });
    this.#credential = credential;
  }

  /** Looks whether another process of this machine, the daemon, has replaced the credential. Resolves with the one in force. */
  async rereadCredential(): Promise<string> {
    const { credential } = await readSecrets(this.#file);
    this.#credential = credential ?? this.#credential;
    return this.#credential;
  }
}
