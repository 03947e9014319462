/** Whether an end that an operator has set is over. @param until wall time; null: never by itself */
export function isExpired(until: number | null, wall: number): boolean {
  return until !== null && until <= wall;
}
