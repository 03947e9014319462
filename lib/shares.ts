/**
 * Which of several parts a point falls in, the parts' shares laid side by side. When shares change, only points between the old
 * and the new border fall into another part.
 * @param point from 0, and below 1
 * @returns the place in `parts`; -1: none has a share
 */
export function partAt(parts: readonly { readonly share: number }[], point: number): number {
  let end = 0;
  let last = -1;
  for (const [nth, { share }] of parts.entries()) {
    if (share <= 0) continue;
    end += share;
    last = nth;
    if (point < end) return nth;
  }
  // Sums of shares may end a little short of 1.
  return last;
}
