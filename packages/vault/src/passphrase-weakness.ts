/** Why a passphrase is too weak: shorter than allowed, or made of what is guessed first. */
export type PassphraseWeakness = "too-short" | "too-simple";

/** What locks the keys of all backups lies on a server, to be guessed at leisure if it is stolen: longer than a password for signing in. */
const lengthMin = 12;

/**
 * The least guess at the bits of a passphrase. Each guess costs a second and 256 MiB (`lockIdentity`): 2^50 of them are millions of machine-years.
 * Four words at random from a list of some thousands have it, as have ten characters at random.
 */
const bitsMin = 50;

/**
 * Says whether a passphrase is too weak to lock a vault, or undefined. It guesses low: words, runs of digits, repeated parts, rows of the keyboard and
 * what everybody thinks of count little. It is no proof of strength: a quotation passes.
 */
export function weaknessOf(passphrase: string): PassphraseWeakness | undefined {
  if (Array.from(passphrase).length < lengthMin) return "too-short";
  return guessedBits(passphrase) < bitsMin ? "too-simple" : undefined;
}

function guessedBits(passphrase: string): number {
  const seen = new Set<string>();
  let bits = 0;
  for (const part of partsOf(passphrase)) {
    const plain = part.toLowerCase();
    bits += seen.has(plain) ? 1 : bitsOf(part);
    seen.add(plain);
  }
  return bits;
}

/** Words with their capital, runs of other capitals, of digits, of anything else. */
function partsOf(passphrase: string): string[] {
  return passphrase.match(/\p{Lu}?\p{Ll}+|\p{Lu}+|\p{Lo}+|\p{N}+|[^\p{L}\p{N}]+/gu) ?? [];
}

/** A word from a list of some thousands. */
const wordBits = 12.9;

function bitsOf(part: string): number {
  const plain = part.toLowerCase();
  const characters = Array.from(plain);
  if (commonest.has(plain)) return 2;
  const kinds = new Set(characters).size;
  if (kinds === 1) return 4 + Math.log2(characters.length);
  if (characters.length > 2 && isRow(plain)) return 4;
  if (/^\p{N}/u.test(part)) return isYear(part) ? 6 : kinds * 3.3;
  if (!/^\p{L}/u.test(part)) return kinds * 4;
  // Scripts that don't put spaces between words.
  if (/^\p{Lo}/u.test(part)) return kinds * 5;
  // A word, however long it is: beyond six letters each adds what a letter does in a language.
  return Math.min(characters.length * 4.7, wordBits + Math.max(0, characters.length - 6) * 2);
}

function isYear(digits: string): boolean {
  return /^(19|20)\d\d$/.test(digits);
}

function isRow(part: string): boolean {
  const backwards = Array.from(part).toReversed().join("");
  return rows.some((row) => row.includes(part) || row.includes(backwards));
}

const rows = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
  "qwertyuiop",
  "asdfghjkl",
  "zxcvbnm",
  "azertyuiop",
  "qsdfghjklm",
  "wxcvbn",
  "qwertzuiop",
  "yxcvbnm",
];

/** What people type when they are asked for a password, in English and French. */
const commonest = new Set(
  (
    "password passwort passw passphrase passe motdepasse mot secret admin administrator administrateur root user login welcome bienvenue " +
    "letmein bonjour hello salut soleil sunshine princess dragon monkey football iloveyou jetaime doudou loulou chouchou marseille " +
    "qwerty azerty abc saveos backup sauvegarde vault coffre restic server serveur test changeme default company correct horse battery staple"
  ).split(" "),
);
