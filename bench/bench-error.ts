/** Something that the person can do something about: its message is all that is shown. */
export class BenchError extends Error {}
