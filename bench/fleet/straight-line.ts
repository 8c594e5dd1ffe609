export interface Point {
  readonly x: number;
  readonly y: number;
}

/** `y = base + slope · x`. */
export interface StraightLine {
  readonly base: number;
  readonly slope: number;
  /** The largest distance of a point from the line, as a share of the point's `y`: how far the line is to be trusted. */
  readonly worstMiss: number;
}

/** The line with the least squares of distances. Undefined where the points don't make one: two different `x` are needed. */
export function fitLine(points: readonly Point[]): StraightLine | undefined {
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const spread = sum(points.map(({ x }) => (x - meanX) ** 2));
  if (!(spread > 0)) return undefined;
  const slope = sum(points.map(({ x, y }) => (x - meanX) * (y - meanY))) / spread;
  const base = meanY - slope * meanX;
  const worstMiss = Math.max(...points.map(({ x, y }) => Math.abs(base + slope * x - y) / Math.abs(y)));
  return { base, slope, worstMiss };
}

export function valueAt({ base, slope }: StraightLine, x: number): number {
  return base + slope * x;
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
