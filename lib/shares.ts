/**
 * Which of several parts a point falls in, the parts' shares laid side by side. When shares change, only points between the old
 * and the new border fall into another part.
 * @param point from 0, and below 1
 * @returns the place in `parts`; -1: none has a share
 */
export function partAt(parts: readonly { readonly share: number }[], point: number): number {
  let end = 0;
  let last = -1;
  // By place: it is asked for each request, and iterators cost more than the rest of it.
  for (let nth = 0; nth < parts.length; nth += 1) {
    const share = parts[nth]?.share ?? 0;
    if (share <= 0) continue;
    end += share;
    last = nth;
    if (point < end) return nth;
  }
  // Sums of shares may end a little short of 1.
  return last;
}
