/*
 * SHA-256 (FIPS 180-4) of four messages side by side: each vector holds one 32-bit number of each of them. src/compute/wasm/sha256-many.ts feeds it.
 */

/** The hash so far: eight vectors. */
export const state: usize = memory.data(8 * 16, 16);

/** What the rounds of one block take in, one vector each. */
const schedule: usize = memory.data(64 * 16, 16);
/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const constants: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);

/** Takes the next `blocks` blocks of 64 bytes of each message into the state. */
export function compress(first: usize, second: usize, third: usize, fourth: usize, blocks: u32): void {
  for (; blocks; blocks--) {
    for (let offset: usize = 0; offset < 64; offset += 16)
      loadFourWords(first + offset, second + offset, third + offset, fourth + offset, schedule + 4 * offset);
    compressBlock();
    first += 64;
    second += 64;
    third += 64;
    fourth += 64;
  }
}

/** The next four big-endian words of each message become four vectors at `to`. */
function loadFourWords(first: usize, second: usize, third: usize, fourth: usize, to: usize): void {
  const a = v128.load(first);
  const b = v128.load(second);
  const c = v128.load(third);
  const d = v128.load(fourth);
  const ab01 = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const ab23 = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const cd01 = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const cd23 = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(to, bigEndian(v128.shuffle<u64>(ab01, cd01, 0, 2)));
  v128.store(to, bigEndian(v128.shuffle<u64>(ab01, cd01, 1, 3)), 16);
  v128.store(to, bigEndian(v128.shuffle<u64>(ab23, cd23, 0, 2)), 32);
  v128.store(to, bigEndian(v128.shuffle<u64>(ab23, cd23, 1, 3)), 48);
}

function bigEndian(words: v128): v128 {
  return v128.shuffle<u8>(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** FIPS 180-4, section 6.2.2. */
function compressBlock(): void {
  let a = v128.load(state);
  let b = v128.load(state, 16);
  let c = v128.load(state, 32);
  let d = v128.load(state, 48);
  let e = v128.load(state, 64);
  let f = v128.load(state, 80);
  let g = v128.load(state, 96);
  let h = v128.load(state, 112);
  let word = schedule;
  let constant = constants;
  for (const end = word + 64 * 16; word < end; word += 8 * 16, constant += 8 * 4) {
    // Beside the rounds, which wait for each other, the processor finds time for this.
    if (word < schedule + 48 * 16) extendSchedule(word);
    // After eight rounds every variable has been each of a to h and is itself again.
    h = add(add(h, add(v128.load(word), v128.load_splat<u32>(constant))), add(mixed(e, 6, 11, 25), choice(e, f, g)));
    d = add(d, h);
    h = add(h, add(mixed(a, 2, 13, 22), majority(a, b, c)));
    g = add(
      add(g, add(v128.load(word, 16), v128.load_splat<u32>(constant, 4))),
      add(mixed(d, 6, 11, 25), choice(d, e, f)),
    );
    c = add(c, g);
    g = add(g, add(mixed(h, 2, 13, 22), majority(h, a, b)));
    f = add(
      add(f, add(v128.load(word, 32), v128.load_splat<u32>(constant, 8))),
      add(mixed(c, 6, 11, 25), choice(c, d, e)),
    );
    b = add(b, f);
    f = add(f, add(mixed(g, 2, 13, 22), majority(g, h, a)));
    e = add(
      add(e, add(v128.load(word, 48), v128.load_splat<u32>(constant, 12))),
      add(mixed(b, 6, 11, 25), choice(b, c, d)),
    );
    a = add(a, e);
    e = add(e, add(mixed(f, 2, 13, 22), majority(f, g, h)));
    d = add(
      add(d, add(v128.load(word, 64), v128.load_splat<u32>(constant, 16))),
      add(mixed(a, 6, 11, 25), choice(a, b, c)),
    );
    h = add(h, d);
    d = add(d, add(mixed(e, 2, 13, 22), majority(e, f, g)));
    c = add(
      add(c, add(v128.load(word, 80), v128.load_splat<u32>(constant, 20))),
      add(mixed(h, 6, 11, 25), choice(h, a, b)),
    );
    g = add(g, c);
    c = add(c, add(mixed(d, 2, 13, 22), majority(d, e, f)));
    b = add(
      add(b, add(v128.load(word, 96), v128.load_splat<u32>(constant, 24))),
      add(mixed(g, 6, 11, 25), choice(g, h, a)),
    );
    f = add(f, b);
    b = add(b, add(mixed(c, 2, 13, 22), majority(c, d, e)));
    a = add(
      add(a, add(v128.load(word, 112), v128.load_splat<u32>(constant, 28))),
      add(mixed(f, 6, 11, 25), choice(f, g, h)),
    );
    e = add(e, a);
    a = add(a, add(mixed(b, 2, 13, 22), majority(b, c, d)));
  }
  addToState(0, a);
  addToState(16, b);
  addToState(32, c);
  addToState(48, d);
  addToState(64, e);
  addToState(80, f);
  addToState(96, g);
  addToState(112, h);
}

function addToState(offset: usize, value: v128): void {
  v128.store(state + offset, add(v128.load(state + offset), value));
}

/** From the sixteen words at `word` come the eight behind them. */
function extendSchedule(word: usize): void {
  let w0 = v128.load(word);
  let w14 = v128.load(word, 14 * 16);
  let w15 = v128.load(word, 15 * 16);
  for (const end = word + 8 * 16; word < end; word += 16) {
    const w1 = v128.load(word, 16);
    const s0 = v128.xor(v128.xor(rotated(w1, 7), rotated(w1, 18)), i32x4.shr_u(w1, 3));
    const s1 = v128.xor(v128.xor(rotated(w14, 17), rotated(w14, 19)), i32x4.shr_u(w14, 10));
    const w16 = add(add(add(w0, s0), v128.load(word, 9 * 16)), s1);
    v128.store(word, w16, 16 * 16);
    w0 = w1;
    w14 = w15;
    w15 = w16;
  }
}

function add(a: v128, b: v128): v128 {
  return i32x4.add(a, b);
}

function rotated(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits));
}

function mixed(x: v128, i: i32, j: i32, k: i32): v128 {
  return v128.xor(v128.xor(rotated(x, i), rotated(x, j)), rotated(x, k));
}

/** f where e has ones, g where it has zeros. */
function choice(e: v128, f: v128, g: v128): v128 {
  return v128.xor(g, v128.and(e, v128.xor(f, g)));
}

function majority(a: v128, b: v128, c: v128): v128 {
  return v128.xor(v128.and(a, v128.xor(b, c)), v128.and(b, c));
}
