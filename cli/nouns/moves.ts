import { exitCodes, messageOf, OperatorError } from "#lib/errors.ts";
import type { DoneReport } from "../../arbiter/io/api.ts";
import type { MovesReport } from "../../arbiter/io/api-idcs.ts";
import { type Call, UsageError } from "../call.ts";
import type { Client } from "../client.ts";

/**
 * Masters moved one by one, so many at a time, each by a planned switch of its own. What is not moved when idcctl ends stays where it
 * was: the same call goes on from there.
 */

const inFlightUsual = 4;
const inFlightMax = 64;

/** @param query of GET /v1/moves */
export async function moveMasters(
  call: Call,
  client: Client,
  query: Readonly<Record<string, string>>,
): Promise<number> {
  const inFlight = inFlightOf(call);
  const { moves, stays } = await client.get<MovesReport>(`/v1/moves?${new URLSearchParams(query)}`);
  for (const { set, master, why } of stays) call.write(`${set}: stays at broker ${master}: ${why}\n`);
  if (moves.length === 0 && stays.length === 0) call.write("No master has to move.\n");
  let failed = stays.length;
  const waiting = [...moves];
  const worker = async (): Promise<void> => {
    for (let move = waiting.shift(); move !== undefined; move = waiting.shift()) {
      if (!(await moveOne(call, client, move))) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, moves.length) }, worker));
  return failed === 0 ? exitCodes.ok : exitCodes.different;
}

/** @returns whether it is done */
async function moveOne(
  call: Call,
  client: Client,
  { set, from, to, why }: MovesReport["moves"][number],
): Promise<boolean> {
  if (call.flags.dryRun) {
    call.write(`${set}: broker ${from} -> ${to}: ${why}\n`);
    return true;
  }
  const path = `/v1/sets/${set.split("/").map(encodeURIComponent).join("/")}/switch`;
  const body = { to: String(to), reason: call.flags.reason };
  try {
    const { done } = await client.post<DoneReport>(path, body);
    call.write(`${set}: ${done}\n`);
    return true;
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    call.write(`${set}: broker ${from} -> ${to} was not done: ${error.code}: ${messageOf(error)}\n`);
    return false;
  }
}

function inFlightOf({ flags: { maxInFlight } }: Call): number {
  const count = maxInFlight === undefined ? inFlightUsual : Number(maxInFlight);
  if (Number.isInteger(count) && count >= 1 && count <= inFlightMax) return count;
  throw new UsageError(`--max-in-flight ${maxInFlight} is none: a whole number, 1 to ${inFlightMax}`);
}
