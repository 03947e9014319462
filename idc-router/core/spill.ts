/** One group of broker sets, of equal nearness. */
export interface Level {
  /** Sum of the weights of its available sets, and of all of them. */
  readonly available: number;
  readonly total: number;
  /** What operators let it take, 0 to 1. */
  readonly limit: number;
}

/**
 * Which share of the load each level takes, nearest first: 0 to 1, together 1, or all 0 when nobody can take anything.
 * A level's health is limit x min(1, overprovision x available / total); it takes that much of the whole, the next one of what is
 * left. When all together are less than the whole, each takes its part of their sum.
 * @source Envoy, "Priority levels" and "Degraded endpoints" of its load balancing pages; limit is our own
 */
export function spill(levels: readonly Level[], overprovision: number): readonly number[] {
  const healths = levels.map(({ available, total, limit }) =>
    total > 0 ? limit * Math.min(1, (overprovision * available) / total) : 0,
  );
  const sum = healths.reduce((all, health) => all + health, 0);
  if (sum === 0) return healths;
  const whole = Math.min(1, sum);
  let left = 1;
  return healths.map((health) => {
    const share = Math.min(left, health / whole);
    left -= share;
    // What rounding leaves over is nobody's.
    if (left < smallestShare) left = 0;
    return share;
  });
}

const smallestShare = 1e-9;
